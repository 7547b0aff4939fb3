"""Arrays of CSR in .npz, as scipy.sparse.save_npz writes them; nothing is unpickled."""

from __future__ import annotations

import json
import zipfile
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


def read_npz(path: Path, options: Options) -> Parsed:  # noqa: ARG001
    """Read arrays of CSR; nothing is unpickled."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise flag(path, f"not an .npz of plain arrays ({error}). Objects are never unpickled.") from None
    absent = {"data", "indices", "indptr"} - set(arrays)
    if absent or bytes(np.asarray(arrays.get("format", b"csr")).item()) != b"csr":
        raise flag(
            path,
            "an .npz of weights holds a CSR matrix: data, indices, indptr; "
            f"found {name_ids(sorted(arrays))}. Write it with W.write or scipy.sparse.save_npz.",
        )
    try:
        n = len(arrays["indptr"]) - 1
        shape = tuple(arrays["shape"].tolist()) if "shape" in arrays else (n, n)
        matrix = sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
        matrix.check_format(full_check=True)
    except (ValueError, IndexError) as error:
        raise flag(path, f"the arrays are no CSR matrix ({error}). Write the file again.") from None
    about = about_of(arrays.get("about"), path)
    ids = arrays["ids"].tolist() if "ids" in arrays else about.get("ids")
    parsed = square(matrix, path)
    if ids is not None and len(ids) != parsed.shape[0]:
        raise flag(path, f"{len(ids)} ids, but {parsed.shape[0]} rows. Write the file again.")
    return Parsed(parsed, ids, meta=decode_meta(about.get("meta")), name=about.get("name"))


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
