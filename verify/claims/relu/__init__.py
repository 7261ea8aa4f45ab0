"""Two layers of rectifiers under the theorems: smooth until the first kink, Clarke-KKT at last."""
