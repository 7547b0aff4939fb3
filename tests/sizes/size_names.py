"""Which public names a design exercises: seen while one sample of it is drawn."""

from __future__ import annotations

import inspect
import sys
import warnings
from functools import cache
from itertools import takewhile
from types import CodeType, FrameType
from typing import Any

import numpy as np
from evidence_recorder import names_to_prove, public_object
from size_engine import Design, Size

import spatial as sp

__all__ = ["names_of"]


@cache
def _codes() -> dict[CodeType, str]:
    """Return by its code the name of each public function; methods of public classes have an empty one.

    `SpatialSystem.fit` stands for the estimators.
    """
    rooms = (sp, sp.models, sp.weights)
    found = [getattr(room, name) for room in rooms for name in room.__all__]
    methods = {
        inspect.unwrap(method).__code__: ""
        for one in found
        if inspect.isclass(one)
        for method in vars(one).values()
        if inspect.isfunction(method)
    }
    functions = {
        inspect.unwrap(public_object(name)).__code__: name
        for name in names_to_prove()
        if inspect.isfunction(public_object(name)) and ":" not in name
    }
    covariances = {
        inspect.unwrap(public_object(name).__init__).__code__: name
        for name in names_to_prove()
        if inspect.isclass(public_object(name)) and ":" not in name
    }
    estimators = {inspect.unwrap(sp.models.SpatialSystem.fit).__code__: "models.SpatialSystem"}
    return methods | functions | covariances | estimators


@cache
def _seen(design: Design) -> frozenset[str]:
    """Return the public functions that a design calls itself, not those that they call in turn."""
    names: set[str] = set()
    inside: list[FrameType] = []

    def listen(frame: FrameType, event: str, result: Any) -> None:
        if event == "call" and not inside and frame.f_code in _codes():
            inside.append(frame)
        elif event == "return" and inside and frame is inside[-1]:
            inside.pop()
            if name := _codes()[frame.f_code]:
                names.update(_spoken(name, frame.f_locals, result))

    sys.setprofile(listen)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            design.draw(np.random.default_rng(0))
    finally:
        sys.setprofile(None)
    return frozenset(names & names_to_prove())


def _spoken(name: str, given: dict[str, Any], result: Any) -> set[str]:
    """Return a function's name, and with its method where it has several."""
    return {name, f"{name}:{getattr(result, 'method', given.get('method'))}"}


def names_of(size: Size) -> list[str]:
    """Return the public names that a row is about, of those that its design calls.

    These are the names that its test is called by; else those of the same room as the function that makes
    the p-value; else all.  A function that has methods stands by its method (``models.did:gardner``).
    """
    seen = _seen(size.design)
    seen -= {name.partition(":")[0] for name in seen if ":" in name}
    words = _letters(size.test)
    if own := {name for name in seen or names_to_prove() if _last(name) in words}:
        return sorted(own)
    near = {name: max((_shared(name, made) for made in size.functions), default=0) for name in seen}
    return sorted(name for name in seen if near[name] == max(near.values()))


def _last(name: str) -> str:
    return _letters(name.rpartition(".")[2].rpartition(":")[2])


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def _shared(name: str, made: str) -> int:
    """Count the rooms that a public name shares with the place where a p-value is made."""
    rooms = zip(public_object(name).__module__.split("."), made.partition(":")[0].split("."), strict=False)
    return sum(a == b for a, b in takewhile(lambda pair: pair[0] == pair[1], rooms))
