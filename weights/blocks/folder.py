"""A folder of blocks of weights: written one after the other, and read back the same way.

Blocks are runs of a million units along a Hilbert curve.  A block keeps its units, its halo (the neighbours
that are not its own) and its links by place among these two, all as 32-bit numbers: what a block needs of a
variable is its own units and its halo.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.errors import WeightsError, hinted
from spatial.io.atomic import atomic_path, out_folder
from spatial.places.points import Points
from spatial.weights.csr import checked_csr
from spatial.weights.io.parsed import decode_meta, encode_meta, flag
from spatial.weights.io.words import plain_ids
from spatial.weights.meta import Meta

from .hilbert import hilbert_order
from .value import Block, OpenWeights

__all__ = ["Folder", "open_weights", "write_weights"]

ROWS = 1_000_000
"""Units of a block."""
_ABOUT = "weights.json"
_FORMAT = "spatial weights by blocks, 1"


@dataclass(frozen=True, eq=False)
class Folder:
    """Blocks in files.

    Parameters
    ----------
    path : Path
    n, count, n_links, most : int
        Units, blocks, links, and the most links of a unit.
    """

    path: Path
    n: int
    count: int
    n_links: int
    most: int

    def block(self, number: int) -> Block:
        """Read a block, each number of it looked at."""
        file = _file(self.path, number)
        try:
            with np.load(file, allow_pickle=False) as stored:
                part = {name: stored[name] for name in ("rows", "halo", "indptr", "indices", "data")}
        except (OSError, ValueError, KeyError) as error:
            raise flag(file, f"not a block of weights ({error}). Write the folder again.") from None
        places = np.concatenate([part["rows"], part["halo"]])
        indptr, indices = part["indptr"], part["indices"]
        data = np.full(len(indices), part["data"][0]) if len(part["data"]) == 1 else part["data"]
        local = sparse.csr_array((data, indices, indptr), shape=(len(part["rows"]), len(places)))
        local = checked_csr(local)
        if len(places) and (places.min() < 0 or places.max() >= self.n):
            raise flag(file, f"its units are not among the {self.n} of the folder. Write the folder again.")
        matrix = sparse.csr_array(
            (local.data, places[local.indices], local.indptr), shape=(len(local.indptr) - 1, self.n)
        )
        return Block(part["rows"], matrix)


def write_weights(
    folder: str | Path,
    points: Points,
    meta: Meta,
    make: Callable[[NDArray[np.int32]], sparse.csr_array],
) -> OpenWeights:
    """Write weights as blocks along a Hilbert curve through the points, and open them.

    Parameters
    ----------
    folder : path
        New, or empty.
    points : Points
    meta : Meta
    make : callable
        From places (R,), ascending, to their rows (R, N).
    """
    target = out_folder(folder).resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise WeightsError(f"folder must be new or empty, for the blocks of the weights; {target} is not.")
    ids = points.ids
    names = plain_ids(ids, target) if not isinstance(ids, pd.RangeIndex) else len(ids)
    order = hilbert_order(points.x, points.y)
    links, most, count = 0, 0, 0
    for count, start in enumerate(range(0, len(order), ROWS), 1):
        rows = np.sort(order[start : start + ROWS])
        matrix = make(rows)
        _write(_file(target, count - 1), rows, matrix)
        links, most = links + matrix.nnz, max(most, int(np.diff(matrix.indptr).max()))
    about = {"format": _FORMAT, "n": len(ids), "count": count, "n_links": links, "most": most}
    about |= {"meta": encode_meta(meta), "name": None if ids.name is None else str(ids.name)}
    if isinstance(names, list) and names and isinstance(names[0], int):
        with atomic_path(target / "ids.npy") as part:
            np.save(part, np.array(names, dtype=np.int64))
    elif isinstance(names, list):
        about["ids"] = names
    # Last: a folder without it is not weights.
    with atomic_path(target / _ABOUT) as part:
        part.write_text(json.dumps(about), encoding="utf-8")
    return OpenWeights(ids, meta, Folder(target, len(ids), count, links, most))


def _write(file: Path, rows: NDArray[np.int32], matrix: sparse.csr_array) -> None:
    place = np.full(matrix.shape[1], -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    halo = np.unique(matrix.indices[place[matrix.indices] < 0])
    place[halo] = np.arange(len(rows), len(rows) + len(halo), dtype=np.int32)
    indices = place[matrix.indices]
    data = matrix.data
    if len(data) and (data == data[0]).all():
        data = data[:1]
    indptr = matrix.indptr.astype(np.int32 if matrix.nnz < 2**31 else np.int64)
    with atomic_path(file) as part, part.open("wb") as stream:
        np.savez(stream, rows=rows, halo=halo.astype(np.int32), indptr=indptr, indices=indices, data=data)


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.npz"


@hinted
def open_weights(folder: str | Path) -> OpenWeights:
    """Open weights that ``knn(cities, k, folder=)`` or ``distance_band(cities, km, folder=)`` wrote.

    Parameters
    ----------
    folder : path

    Returns
    -------
    OpenWeights
        Of which one block of a million units is read at a time.

    Raises
    ------
    WeightsError
        For a folder that holds no such weights, or only some of their blocks.

    Examples
    --------
    >>> import tempfile, geopandas as gpd
    >>> import spatial as sp
    >>> points = gpd.points_from_xy([0, 1, 3, 7], [0, 0, 0, 0], crs=32650)
    >>> cities = gpd.GeoDataFrame(index=["a", "b", "c", "d"], geometry=points)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = sp.weights.knn(cities, 1, folder=folder)
    ...     sp.weights.open_weights(folder).lag([1.0, 2.0, 4.0, 8.0])
    array([2., 1., 2., 4.])
    """
    if not isinstance(folder, (str, Path)):
        raise WeightsError(f"open_weights needs the path of a folder; got {type(folder).__name__}.")
    path = Path(folder).expanduser().resolve()
    try:
        about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
        sizes = {key: int(about[key]) for key in ("n", "count", "n_links", "most")}
        right = about["format"] == _FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"open_weights needs a folder that knn(..., folder=) or distance_band(..., folder=) wrote; "
            f"{path} is none ({error})."
        ) from None
    absent = [number for number in range(sizes["count"]) if not _file(path, number).is_file()]
    if not right or absent:
        fault = f"blocks {absent[:9]} are missing" if absent else f"its format is {about['format']!r}"
        raise WeightsError(f"{path} cannot be read: {fault}. Write the weights again.")
    ids = _ids(path, about, sizes["n"])
    return OpenWeights(ids, decode_meta(about.get("meta")) or Meta(), Folder(path, **sizes))


def _ids(path: Path, about: dict[str, Any], n: int) -> pd.Index[Any]:
    if "ids" in about:
        ids = pd.Index(about["ids"])
    elif (path / "ids.npy").is_file():
        ids = pd.Index(np.load(path / "ids.npy", allow_pickle=False))
    else:
        ids = pd.RangeIndex(n)
    if len(ids) != n:
        raise WeightsError(f"{path} has {len(ids)} ids for {n} units. Write the weights again.")
    return ids.rename(about.get("name"))
