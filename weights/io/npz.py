"""Arrays of CSR in .npz, as scipy.sparse.save_npz writes them; nothing is unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse

from spatial.errors import name_ids
from spatial.weights.meta import HasLinks

from .matrices import square
from .parsed import Options, Parsed, about_of, decode_meta, encode_meta, flag, name_of
from .words import plain_ids

__all__ = ["read_npz", "write_npz"]


# What scipy.sparse.save_npz stores of each of its formats, and how the matrix is made of it.
_FORMATS: dict[str, tuple[str, ...]] = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "coo": ("data", "row", "col"),
    "dia": ("data", "offsets"),
}


def read_npz(path: Path, options: Options) -> Parsed:  # noqa: ARG001
    """Read the arrays of a sparse matrix of any of scipy's formats; nothing is unpickled."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, TypeError, OSError) as error:
        raise flag(path, f"not an .npz of plain arrays ({error}). Objects are never unpickled.") from None
    matrix = _matrix(arrays, path)
    about = about_of(arrays.get("about"), path)
    ids = arrays.get("ids")
    if ids is None:
        ids = about.get("ids")
    elif ids.ndim != 1 or ids.dtype.kind not in "iuU":
        raise flag(path, f"ids must be whole numbers or text, one a row; found {ids.dtype} of {ids.shape}.")
    parsed = square(matrix, path)
    if ids is not None and len(ids) != parsed.shape[0]:
        raise flag(path, f"{len(ids)} ids, but {parsed.shape[0]} rows. Write the file again.")
    return Parsed(parsed, ids, meta=decode_meta(about.get("meta")), name=about.get("name"))


def _matrix(arrays: dict[str, Any], path: Path) -> Any:
    kind = np.asarray(arrays.get("format", "csr"))
    name = bytes(kind.item()).decode(errors="replace") if kind.dtype.kind == "S" else str(kind)
    needed = _FORMATS.get(name, ())
    if not needed or not set(needed) <= set(arrays):
        raise flag(
            path,
            "an .npz of weights holds a sparse matrix, in CSR data, indices and indptr; "
            f"found {name_ids(sorted(arrays))}. Write it with W.write or scipy.sparse.save_npz.",
        )
    data, *places = (arrays[part] for part in needed)
    try:
        n = len(arrays["indptr"]) - 1 if name == "csr" else None
        shape = tuple(int(length) for length in arrays["shape"]) if "shape" in arrays else (n, n)
        make = getattr(sparse, f"{name}_array")
        parts = (data, tuple(places)) if name == "coo" else (data, *places)
        return make(parts, shape=shape)
    except (ValueError, IndexError, TypeError) as error:
        raise flag(
            path, f"the arrays are no {name.upper()} matrix ({error}). Write the file again."
        ) from None


def write_npz(W: HasLinks, path: Path, options: Options) -> None:  # noqa: ARG001
    """Write the CSR arrays, the ids, and the meta as JSON; scipy.sparse.load_npz reads them too."""
    ids = plain_ids(W.ids, path)
    about: dict[str, Any] = {"meta": encode_meta(W.meta), "name": name_of(W)}
    arrays = {"data": W.sparse.data, "indices": W.sparse.indices, "indptr": W.sparse.indptr}
    arrays |= {"shape": np.array(W.sparse.shape), "format": np.array(b"csr")}
    if ids and isinstance(ids[0], int):
        arrays["ids"] = np.array(ids, dtype=np.int64)
    else:  # as JSON: numpy's own text arrays drop NUL at the end
        about["ids"] = ids
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez(file, **arrays)
