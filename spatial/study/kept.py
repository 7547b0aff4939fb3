"""Numbers of draws that are not drawn twice: results of placebos and simulations, kept beside the outputs.

A result is kept as numbers and text only (.npz with a JSON inside, nothing pickled), so a folder from
somebody else cannot run code; what does not read back as it was is made again.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError
from spatial.io.atomic import atomic_path, inside
from spatial.models import MonteCarlo
from spatial.models.policy.checks import Honest
from spatial.models.policy.placebo import DropOne, Placebo

from .cache import digest
from .fits.estimates import policy_kinds
from .fits.named import analyses

__all__ = ["Kept", "drawn_keys"]

_ALL: tuple[type[Any], ...] = (DropOne, Honest, MonteCarlo, Placebo)
KINDS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in _ALL}
"""What is kept, by name: results that are numbers and frames."""
_FOLDER = (".cache", "kept")


class Kept:
    """The results that an output folder keeps, by the digest of all that they depend on.

    Parameters
    ----------
    folder : Path, optional
        The output folder; None keeps nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """Return the result of this key, as it was kept, or made now and kept."""
        if self.folder is None:
            return make()
        path = inside(self.folder, *_FOLDER, f"{digest(key)}.npz")
        found = _read(path)
        if found is None:
            found = make()
            _write(path, found)
        return found

    def forget(self, keys: Iterable[str]) -> None:
        """Remove all but the results of these keys."""
        if self.folder is not None:
            known = {f"{digest(key)}.npz" for key in keys}
            for path in inside(self.folder, *_FOLDER, "x").parent.glob("*.npz"):
                if path.name not in known:
                    path.unlink(missing_ok=True)


def drawn_keys(values: Any) -> list[str]:
    """Return the keys of what a study may keep."""
    policies = [(p.name, kind) for p in values.study.did for kind in policy_kinds(values.part(p.name))]
    found = [values.policy_key(*pair) for pair in policies]
    return [*found, *(values.analysis_key(part.name) for *_, part in analyses(values.study))]


# ---- as numbers and text
def _write(path: Path, result: Any) -> None:
    arrays: dict[str, Any] = {}
    try:
        text = json.dumps(_encoded(result, arrays))
        again = _decoded(json.loads(text), arrays)
        if not _same(again, result):
            return
    except (TypeError, ValueError, KeyError):  # a result that is more than numbers is made anew each time
        return
    whole = io.BytesIO()
    np.savez_compressed(whole, text=np.array(text), **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as staged:
        staged.write_bytes(whole.getvalue())


def _read(path: Path) -> Any:
    try:
        with np.load(path, allow_pickle=False) as found:
            return _decoded(json.loads(str(found["text"])), {name: found[name] for name in found.files})
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return None  # none, or damaged


def _encoded(value: Any, arrays: dict[str, Any]) -> Any:
    if dataclasses.is_dataclass(value) and type(value).__name__ in KINDS:
        fields = {f.name: _encoded(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, "fields": fields}
    if isinstance(value, pd.DataFrame):
        columns = [
            [str(name), _encoded(value[name].to_numpy(), arrays), str(value[name].dtype)] for name in value
        ]
        return {"frame": columns, "rows": len(value)}
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            return {"texts": [None if x is None or x != x else _text(x) for x in value.tolist()]}
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Mapping):
        return {"mapping": [[_text(key), _encoded(one, arrays)] for key, one in value.items()]}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return {"value": value}
    raise TypeError(type(value).__name__)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value


def _decoded(part: Any, arrays: Mapping[str, Any]) -> Any:
    if "kind" in part:
        fields = {name: _decoded(one, arrays) for name, one in part["fields"].items()}
        return KINDS[part["kind"]](**fields)
    if "frame" in part:
        columns = {name: pd.Series(_decoded(one, arrays), dtype=kind) for name, one, kind in part["frame"]}
        return pd.DataFrame(columns, index=pd.RangeIndex(part["rows"]))
    if "array" in part:
        return arrays[part["array"]]
    if "texts" in part:
        return part["texts"]
    if "mapping" in part:
        return {key: _decoded(one, arrays) for key, one in part["mapping"]}
    return part["value"]


def _same(a: Any, b: Any) -> bool:
    """Whether a result came back as it was: its fields, types and all."""
    for field in dataclasses.fields(a):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if isinstance(other, pd.DataFrame):
            if not (one.equals(other) and one.dtypes.equals(other.dtypes) and one.index.equals(other.index)):
                return False
        elif isinstance(other, np.ndarray):
            if not np.array_equal(one, other, equal_nan=True):
                return False
        elif one != other and not (one != one and other != other):
            return False
    return True
