"""Results as numbers and text, and back: data classes of this package, frames, maps, arrays, sparse matrices.

Nothing is pickled.  A file can name a data class of this package and give its fields, or a public function
of `spatial.models`, and no more: reading one from somebody else runs no code of theirs.  What is neither is
refused by `encode`.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse
import shapely

from spatial import models
from spatial.panel.base import Labels
from spatial.words import Said

__all__ = ["content_of", "decode", "encode"]

_PACKAGE = "spatial"
_SPARSE = {"csr_array": scipy.sparse.csr_array, "csc_array": scipy.sparse.csc_array}
_MAPPINGS: Mapping[type[Any], str] = {dict: "mapping", MappingProxyType: "view", Labels: "labels"}
_DTYPES = ("i", "u", "f", "c", "b", "M", "m")
"""Arrays that are written as they are; of times and durations too."""


def encode(value: Any) -> tuple[str, dict[str, Any]]:
    """Return a value as text (JSON) and arrays.

    Raises
    ------
    TypeError
        For a part that is neither a number, a text, an array, a frame, a list of these, nor a data class of
        this package.

    Examples
    --------
    >>> text, arrays = encode({"x": np.arange(3), "y": (1.5, None)})
    >>> decode(text, arrays)["x"].tolist(), decode(text, arrays)["y"]
    ([0, 1, 2], (1.5, None))
    """
    writer = _Writer()
    root = writer.node(value)
    return json.dumps({"root": root, "parts": writer.parts}), writer.arrays


def decode(text: str, arrays: Mapping[str, Any]) -> Any:
    """Return the value of `encode`.

    Raises
    ------
    TypeError, ValueError, KeyError
        For a text that `encode` has not written.
    """
    content = json.loads(text)
    return _Reader(content["parts"], arrays).value(content["root"])


def content_of(text: str, arrays: Mapping[str, Any]) -> str:
    """Return a digest of what `encode` has written, whether or not equal parts are one.

    Examples
    --------
    >>> x = np.arange(3)
    >>> content_of(*encode([x, x])) == content_of(*encode([x, x.copy()])) != content_of(*encode([x]))
    True
    """
    content, found = json.loads(text), list[str]()

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(one) for one in node]
        if not isinstance(node, dict) or not node:
            return node
        kind, given = next(iter(node.items()))
        if kind == "part":
            return found[given]
        if kind in ("array", "scalar", "codes"):
            array = np.ascontiguousarray(arrays[given])
            numbers = hashlib.sha256(array.tobytes()).hexdigest()
            rest = [plain(one) for key, one in node.items() if key != kind]
            return [str(array.dtype), array.shape, numbers, *rest]
        return {key: plain(one) for key, one in node.items()}

    for part in content["parts"]:
        found.append(hashlib.sha256(json.dumps(plain(part)).encode()).hexdigest())
    return hashlib.sha256(json.dumps(plain(content["root"])).encode()).hexdigest()


class _Writer:
    """What is used in several places, as the panel of many fits, is written once."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.arrays: dict[str, Any] = {}
        self._places: dict[int, int] = {}
        self._alive: list[Any] = []  # so that no two values have one id

    def node(self, value: Any) -> Any:
        if value is None or type(value) in (bool, int, float):
            return value
        if type(value) is str:
            return {"text": value}
        if type(value) in (list, tuple, frozenset):
            ordered = sorted(value, key=repr) if isinstance(value, frozenset) else value
            return {type(value).__name__: [self.node(one) for one in ordered]}
        if type(value) in _MAPPINGS:
            kind = _MAPPINGS[type(value)]
            return {kind: [[self.node(key), self.node(one)] for key, one in value.items()]}
        if isinstance(value, np.generic):
            return {"scalar": self._array(np.asarray(value))}
        if isinstance(value, slice):
            return {"slice": [value.start, value.stop, value.step]}
        if id(value) not in self._places:
            self._alive.append(value)
            part = self._part(value)
            self._places[id(value)] = len(self.parts)
            self.parts.append(part)
        return {"part": self._places[id(value)]}

    def _part(self, value: Any) -> Any:
        kind = type(value)
        if kind is np.ndarray:
            return self._of_array(value)
        if kind is gpd.GeoDataFrame:
            return self._of_map(value)
        if kind is pd.DataFrame:
            columns = [self._of_column(value.iloc[:, k]) for k in range(value.shape[1])]
            kinds = [str(dtype) for dtype in value.dtypes]
            about = self.node(dict(value.attrs))
            return {"frame": [self.node(value.index), self.node(value.columns), columns, kinds, about]}
        if kind is pd.Series:
            parts = [self.node(value.index), self.node(value.name), self._of_column(value)]
            return {"series": [*parts, str(value.dtype)]}
        if isinstance(value, pd.RangeIndex):
            return {"range": [value.start, value.stop, value.step, self.node(value.name)]}
        if isinstance(value, pd.MultiIndex):
            levels = [self.node(level) for level in value.levels]
            codes = [self._of_array(np.asarray(code)) for code in value.codes]
            return {"levels": [levels, codes, self.node(list(value.names))]}
        if isinstance(value, pd.Index):
            return {"index": [self._of_column(value), str(value.dtype), self.node(value.name)]}
        if kind.__name__ in _SPARSE and isinstance(value, _SPARSE[kind.__name__]):
            arrays = [self._of_array(part) for part in (value.data, value.indices, value.indptr)]
            return {"sparse": [kind.__name__, *arrays, list(value.shape)]}
        if kind is Said:
            return {"said": [list(value.pair), self.node(dict(value.values))]}
        name = str(getattr(value, "__name__", ""))
        if name in models.__all__ and getattr(models, name) is value:
            return {"model": name}
        if dataclasses.is_dataclass(value) and kind.__module__.partition(".")[0] == _PACKAGE:
            return self._of_dataclass(value)
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} is not kept")

    def _of_dataclass(self, value: Any) -> Any:
        kind = type(value)
        fields = [field.name for field in dataclasses.fields(value)]
        remembered = {n for n in getattr(value, "__dict__", {}) if n not in fields}
        more = [n for n in remembered if not isinstance(_descriptor(kind, n), functools.cached_property)]
        if more or not all(field.init for field in dataclasses.fields(value)):
            raise TypeError(f"{kind.__qualname__} is more than its arguments")
        given = {name: self.node(getattr(value, name)) for name in fields}
        return {"class": [kind.__module__, kind.__qualname__], "fields": given}

    def _of_map(self, value: gpd.GeoDataFrame) -> Any:
        shapes = [name for name in value.columns if str(value.dtypes[name]) == "geometry"]
        texts = {name: shapely.to_wkb(value[name].to_numpy(), hex=True) for name in shapes}
        frame = pd.DataFrame(value.drop(columns=shapes)).assign(**texts)[list(value.columns)]
        known = {name: value[name].crs and value[name].crs.srs for name in shapes}
        return {"map": [self.node(frame), self.node(value.geometry.name), self.node(known)]}

    def _of_column(self, column: Any) -> Any:
        if isinstance(column.dtype, pd.CategoricalDtype):
            given = column.array
            return {
                "codes": self._array(np.asarray(given.codes)),
                "categories": self.node(given.categories),
                "ordered": bool(given.ordered),
            }
        if isinstance(column.dtype, np.dtype) or str(column.dtype) in ("str", "string"):
            return self._of_array(np.asarray(column.to_numpy()))
        raise TypeError(f"a column of {column.dtype} is not kept")

    def _of_array(self, value: np.ndarray[Any, Any]) -> Any:
        if value.dtype.kind in _DTYPES:
            return {"array": self._array(value)}
        if value.dtype.kind not in "OUT":
            raise TypeError(f"an array of {value.dtype} is not kept")
        items = [self.node(one) for one in value.ravel().tolist()]
        return {"items": items, "shape": list(value.shape), "dtype": value.dtype.str}

    def _array(self, value: np.ndarray[Any, Any]) -> str:
        name = f"a{len(self.arrays)}"
        self.arrays[name] = value
        return name


def _descriptor(kind: type[Any], name: str) -> Any:
    return next((vars(one)[name] for one in kind.__mro__ if name in vars(one)), None)


class _Reader:
    def __init__(self, parts: list[Any], arrays: Mapping[str, Any]) -> None:
        self._parts, self._arrays = parts, arrays
        self._made: dict[int, Any] = {}

    def value(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        kind, given = next(iter(node.items()))
        if kind == "part":
            if given not in self._made:
                self._made[given] = self._part(self._parts[given])
            return self._made[given]
        return self._SIMPLE[kind](self, given)

    _SIMPLE: Mapping[str, Callable[[_Reader, Any], Any]] = {
        "text": lambda _, given: str(given),
        "list": lambda self, given: [self.value(one) for one in given],
        "tuple": lambda self, given: tuple(self.value(one) for one in given),
        "frozenset": lambda self, given: frozenset(self.value(one) for one in given),
        "mapping": lambda self, given: {self.value(key): self.value(one) for key, one in given},
        "view": lambda self, given: MappingProxyType({self.value(k): self.value(v) for k, v in given}),
        "labels": lambda self, given: Labels({self.value(k): self.value(v) for k, v in given}),
        "scalar": lambda self, given: self._arrays[given][()],
        "slice": lambda _, given: slice(*given),
    }

    def _part(self, part: dict[str, Any]) -> Any:
        kind, given = next(iter(part.items()))
        if kind in ("array", "items"):
            return self._array(part)
        if kind == "frame":
            return self._frame(*given)
        if kind == "map":
            frame, name, known = (self.value(one) for one in given)
            shapes = {
                one: gpd.GeoSeries.from_wkb(frame[one], index=frame.index, crs=crs)
                for one, crs in known.items()
            }
            return gpd.GeoDataFrame(frame.assign(**shapes), geometry=name)
        if kind == "series":
            index, name, values, dtype = given
            return pd.Series(self._array(values), self.value(index), dtype=dtype, name=self.value(name))
        if kind == "range":
            return pd.RangeIndex(*given[:3], name=self.value(given[3]))
        if kind == "levels":
            levels, codes, names = [self.value(one) for one in given[0]], given[1], self.value(given[2])
            return pd.MultiIndex(levels, [self._array(code) for code in codes], names=names)
        if kind == "index":
            return pd.Index(self._array(given[0]), dtype=given[1], name=self.value(given[2]))
        if kind == "sparse":
            arrays = tuple(self._array(one) for one in given[1:4])
            return _SPARSE[given[0]](arrays, shape=tuple(given[4]))
        if kind == "said":
            return Said((str(given[0][0]), str(given[0][1])), **self.value(given[1]))
        if kind == "model":
            return {name: getattr(models, name) for name in models.__all__}[given]
        module, name = given
        return self._dataclass(module, name, part["fields"])

    def _frame(
        self, index: Any, columns: Any, values: list[Any], kinds: list[str], about: Any
    ) -> pd.DataFrame:
        rows = self.value(index)
        found = [
            pd.Series(self._array(one), rows, dtype=dtype) for one, dtype in zip(values, kinds, strict=True)
        ]
        frame = pd.concat(found, axis=1) if found else pd.DataFrame(index=rows)
        frame.columns = self.value(columns)
        frame.attrs = self.value(about)
        return frame

    def _array(self, part: Any) -> Any:
        if "array" in part:
            return self._arrays[part["array"]]
        if "codes" in part:
            categories = self.value(part["categories"])
            return pd.Categorical.from_codes(self._arrays[part["codes"]], categories, ordered=part["ordered"])
        found = np.empty(len(part["items"]), dtype=object)
        for place, one in enumerate(part["items"]):
            found[place] = self.value(one)
        return found.reshape(part["shape"]).astype(part["dtype"], copy=False)

    def _dataclass(self, module: str, name: str, fields: dict[str, Any]) -> Any:
        if module.partition(".")[0] != _PACKAGE or "__main__" in module:
            raise ValueError(f"{module} is no part of this package")
        kind: Any = importlib.import_module(module)
        for part in name.split("."):
            kind = getattr(kind, part)
        if not (isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == module):
            raise ValueError(f"{module}.{name} is no data class of this package")
        return kind(**{key: self.value(one) for key, one in fields.items()})
