"""Linear estimators: spectra of random data, separability of points, times to generalise."""
