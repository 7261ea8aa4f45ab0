"""Kernel machines at the anchor: NTK, max margin, quasi-static, and the lazy flow."""

from theory.kernel.lazy import LazyFlow, lazy_flow
from theory.kernel.ntk import cross_kernel, gram, signed_features
from theory.kernel.quasi_static import quasi_static_dual
from theory.kernel.svm import KernelSVM, kernel_svm, max_margin

__all__ = [
    "KernelSVM",
    "LazyFlow",
    "cross_kernel",
    "gram",
    "kernel_svm",
    "lazy_flow",
    "max_margin",
    "quasi_static_dual",
    "signed_features",
]
