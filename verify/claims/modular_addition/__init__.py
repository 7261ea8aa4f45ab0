"""Addition mod p by quadratic nets: all that the theorems say of it, in numbers."""
