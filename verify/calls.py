"""Calls of what a measurement is given: chance by the instance alone, which stays as it was."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from verify.instances import Instance


class InstanceChanged(Exception):
    """What was measured is not what is saved."""


def called(function: Callable[[Any], Any], instance: Instance) -> Any:
    """What a function says of an instance, the same of equal ones in every process.

    Raises:
        InstanceChanged: the instance is another afterwards.
        TypeError: its JSON is none.
    """
    before = recorded(instance)
    with chance_by(before):
        said = function(instance)
    if recorded(instance) != before:
        raise InstanceChanged("its measurement changes the instance that it measures")
    return said


def recorded(instance: Instance) -> str:
    """An instance as text; `TypeError` where its JSON is none."""
    return json.dumps(instance.to_json())


@contextmanager
def chance_by(text: str) -> Iterator[None]:
    """Within it the global generators of numpy and Python draw by that text.

    Hypothesis sets both to one state before each example, so that every instance would get the same
    draw, and a replay another.
    """
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    digest = hashlib.sha256(text.encode()).digest()
    random.seed(digest)
    np.random.seed(int.from_bytes(digest[:4], "big"))  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
