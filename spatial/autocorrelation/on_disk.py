"""Local statistics whose table stays on disk: a folder of Parquet files, one for each block of units."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.fdr import fdr_of_counts
from spatial.compute.pvalues import Alternative
from spatial.errors import DataError, did_you_mean, hinted
from spatial.io.atomic import atomic_path, sweep
from spatial.languages.shown import shown
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.value import Weights, WeightsLike
from spatial.words import tell

from .local_inference import LocalRun, LocalStatistic, clusters
from .local_words import LocalWords, Tally
from .sample import Rows, Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["OpenLocal", "Written", "check_folder", "open_local"]

Float = NDArray[np.float64]

_ABOUT, _FORMAT, _MARK = "_local.json", "spatial local statistic, 1", ".writing-"
_BYTES, _HELD = 90, 75  # of a unit, on disk and in memory
MOST_BYTES = 4.8e9
"""Of a table in memory: as much as weights may take without asking."""
_HOMES = {"LocalMoran": "lisa", "GetisOrd": "hot_spots"}
_FEW = ["p_sim", "p_fdr", "quadrant", "cluster"]  # columns of few distinct values


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class OpenLocal(LocalWords):
    """A local statistic whose table is in a folder of Parquet files, which any program reads.

    Made by ``local_moran(x, W, folder=)`` and ``getis_ord(x, W, folder=)``, and by `spatial.open_local`.

    Parameters
    ----------
    path : Path
        The folder: ``000000.parquet`` and so on, a block of units each, with the columns of the table in
        memory beside ``id`` and ``place`` (the row in the order of the weights); and ``_local.json``.
    name, title : str
        The variable and the statistic.
    tally : Tally
        Units by cluster, and below the level.
    facts : dict
        Further fields of the result in memory, as ``I``.
    alpha, fdr, permutations, seed, stop_after, alternative, weights, dropped
        As in memory.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import spatial as sp
    >>> W = sp.weights.grid((20, 30), stored=False).row_standardized()
    >>> folder = tempfile.TemporaryDirectory()
    >>> x = np.random.default_rng(0).normal(size=600)
    >>> found = sp.local_moran(x, W, permutations=99, folder=f"{folder.name}/lisa")
    >>> len(found.read(["Ii", "cluster"])), [len(block) for block in found.blocks()]
    (600, [600])
    >>> folder.cleanup()
    """

    path: Path
    kind: str
    name: str
    title: str
    counted: Tally
    files: int
    columns: tuple[str, ...]
    groups: tuple[str, ...]
    index: str | None
    facts: dict[str, Any]
    alpha: float
    fdr: bool
    permutations: int
    seed: int
    stop_after: int | None = None
    alternative: Alternative
    weights: str
    dropped: pd.Index[Any]

    @cached_property
    def tally(self) -> Tally:
        """How many units are in each cluster, and below the level."""
        return self.counted

    def _titled(self) -> str:
        return self.title

    def _also(self) -> dict[str, Any]:
        return {key: value for key, value in self.facts.items() if not isinstance(value, (str, type(None)))}

    def blocks(self, columns: Iterable[str] | None = None) -> Iterator[pd.DataFrame]:
        """Read one block of units after the other, these columns or all, by id."""
        wanted = self._wanted(columns)
        for number in range(self.files):
            yield self._block(number, wanted)

    def read(self, columns: Iterable[str] | None = None) -> pd.DataFrame:
        """Read these columns of all units, or all columns, by id in the order of the weights."""
        wanted = self._wanted(columns)
        frames = [self._block(number, [*wanted, "place"]) for number in range(self.files)]
        frame = pd.concat(frames)
        place = frame.pop("place").to_numpy()
        return frame if (np.diff(place) > 0).all() else frame.iloc[np.argsort(place)]

    @property
    def frame(self) -> pd.DataFrame:
        """The table, read into memory: some 75 bytes a unit."""
        return self.read()

    def load(self) -> LocalStatistic:
        """Read the result into memory, as the function returns it without ``folder=``."""
        home = import_module(f"spatial.autocorrelation.{_HOMES[self.kind]}")
        kind: type[LocalStatistic] = getattr(home, self.kind)
        same = ("name", "alpha", "fdr", "permutations", "seed", "stop_after", "alternative", "weights")
        kept = {key: getattr(self, key) for key in (*same, "dropped")}
        return kind(frame=self.read(), **kept, **self.facts)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each unit, read into memory."""
        return self.load().tidy()

    def headline(self) -> str:
        """Name the variable, count the clusters and say where the table is."""
        line = super().headline()
        return tell(
            f"{self.title} of {line}, in {self.path}", f"{shown(self.title)}，{line}，存于 {self.path}"
        )

    def plot(self, *args: Any, ax: Axes | None = None, **options: Any) -> Axes:
        """Map the clusters over the `cities` given; `spatial.map_raster` draws millions of units."""
        return self.load().plot(*args, ax=ax, **options)

    def _repr_html_(self) -> str:
        return f"<pre>{self.summary()}</pre>"

    def _wanted(self, columns: Iterable[str] | None) -> list[str]:
        wanted = (
            list(self.columns) if columns is None else [columns] if isinstance(columns, str) else [*columns]
        )
        for column in wanted:
            if column not in self.columns:
                raise DataError(f"The table has no column {column!r}.{did_you_mean(column, self.columns)}")
        return wanted

    def _block(self, number: int, columns: list[str]) -> pd.DataFrame:
        frame = _read(_file(self.path, number), ["id", *columns]).set_index("id")
        frame.index.name = self.index
        for column in {"quadrant", "cluster"} & set(columns):
            kinds = [*self.groups, "not significant", "island"] if column == "cluster" else self.groups
            frame[column] = frame[column].astype("category").cat.set_categories(kinds)
        return frame


class Written:
    """Columns by unit, written a block at a time; what needs the p-values of all units is added at the end.

    Parameters
    ----------
    data : Sample
    run : LocalRun
    folder : path
        From `check_folder`.
    groups : list of str
    """

    def __init__(self, data: Sample, run: LocalRun, folder: Path, groups: list[str]) -> None:
        self.data, self.run, self.target, self.groups = data, run, folder, groups
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Beside the target, and moved there when it is whole; what an error or Ctrl-C leaves goes away.
            self.path = Path(tempfile.mkdtemp(prefix=_MARK, dir=folder.parent))
        except OSError as error:
            raise DataError(f"Cannot write {folder}: {error.strerror}.") from None
        self._left = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        sweep(folder.parent, f"{_MARK}*")
        free = shutil.disk_usage(folder.parent).free
        if free < _BYTES * data.n:
            raise DataError(
                f"The table of {data.n:,} units takes {_BYTES * data.n / 1e9:,.1f} GB, and {folder.parent} "
                f"has {free / 1e9:,.1f} GB free. Choose a folder on another disk."
            )
        self.files = 0
        self.p_values: list[Float] = []
        self.counts: list[NDArray[np.int64]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._left()  # which does nothing where the folder was moved into place

    def put(
        self, rows: Rows, codes: NDArray[Any], islands: NDArray[np.bool_], columns: Mapping[str, Float]
    ) -> None:
        """Write some rows."""
        p = columns["p_sim" if self.run.permutations else "p_value"]
        found, counts = np.unique(p[~np.isnan(p)], return_counts=True)
        self.p_values.append(found)
        self.counts.append(counts.astype(np.int64))
        if self.run.permutations:  # which give the same few p-values in each block
            merged = self._merged()
            self.p_values, self.counts = [merged[0]], [merged[1]]
        places = self.data.places(rows.units)
        frame = {"id": self.data.ids[places], "place": places.astype(np.int32), **columns}
        _write(
            _file(self.path, self.files),
            pd.DataFrame({**frame, "codes": codes.astype(np.int8), "islands": islands}),
        )
        self.files += 1

    def _merged(self) -> tuple[Float, NDArray[np.int64]]:
        """Return the distinct p-values of all blocks so far, and how often each occurs."""
        found, place = np.unique(np.concatenate(self.p_values), return_inverse=True)
        counts = np.zeros(len(found), np.int64)
        np.add.at(counts, place, np.concatenate(self.counts))
        return found, counts

    def finish(
        self, kind: type[LocalStatistic], title: str, order: Sequence[str], name: str, **facts: Any
    ) -> OpenLocal:
        """Add the adjusted p-values and the clusters to each block, and move the folder into place."""
        p_values, counts = self._merged()
        adjusted = fdr_of_counts(p_values, counts)
        tallies = [self._complete(number, order, p_values, adjusted) for number in range(self.files)]
        fields = self.run.fields(self.data)
        about = {
            "format": _FORMAT,
            "kind": kind.__name__,
            "name": name,
            "title": title,
            "counted": vars(sum(tallies[1:], tallies[0])),
            "files": self.files,
            "columns": list(order),
            "groups": self.groups,
            "index": None if self.data.ids.name is None else str(self.data.ids.name),
            "facts": facts,
            **fields,
            "dropped": fields["dropped"].tolist(),
        }
        with atomic_path(self.path / _ABOUT) as part:
            part.write_text(json.dumps(about), encoding="utf-8")
        if self.target.exists():
            self.target.rmdir()
        self.path.chmod(0o755)  # a folder for temporary files is its owner's alone
        self.path.rename(self.target)
        self._left.detach()
        return open_local(self.target)

    def _complete(self, number: int, order: Sequence[str], p_values: Float, adjusted: Float) -> Tally:
        run, file = self.run, _file(self.path, number)
        frame = _read(file)
        p_sim, p_value = frame["p_sim"].to_numpy(), frame["p_value"].to_numpy()
        p = p_sim if run.permutations else p_value
        known = ~np.isnan(p)
        p_fdr = np.full(len(p), np.nan)
        p_fdr[known] = adjusted[np.searchsorted(p_values, p[known])]
        groups = pd.Categorical.from_codes(frame["codes"].to_numpy(), categories=self.groups)
        islands = frame["islands"].to_numpy()
        cluster = clusters(groups, run.basis(p_sim, p_value, p_fdr), run.alpha, islands)
        made = frame.assign(p_fdr=p_fdr, quadrant=groups, cluster=cluster)
        _write(file, made[["id", "place", *order]])
        return Tally.of(made, run.permutations, run.alpha)


def check_folder(folder: str | Path | None, W: WeightsLike) -> Path | None:
    """Return the folder for a table, which must be new or empty; or refuse one that memory does not hold."""
    n = W.n if isinstance(W, (Weights, OpenWeights)) else 0
    if folder is None and n * _HELD > MOST_BYTES:
        raise DataError(
            f"The table of {n:,} units takes {n * _HELD / 1e9:,.1f} GB of memory; the limit is "
            f"{MOST_BYTES / 1e9:,.1f} GB. Write it with folder=, a block of units at a time."
        )
    if folder is None:
        return None
    if not isinstance(folder, (str, Path)):
        raise DataError(f"folder is a path, of a new or empty folder; got {type(folder).__name__}.")
    target = Path(folder).expanduser().resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"folder must be new or empty, for the table of the statistic; {target} is not.")
    return target


@hinted
def open_local(folder: str | Path) -> OpenLocal:
    """Open the table that ``local_moran(x, W, folder=)`` or ``getis_ord(x, W, folder=)`` wrote.

    Parameters
    ----------
    folder : path

    Returns
    -------
    OpenLocal
        Which reads what is asked for.

    Raises
    ------
    DataError
        For a folder that holds no such table, or only some of its files.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import spatial as sp
    >>> W = sp.weights.grid((20, 30))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = sp.getis_ord(np.arange(600.0), W, permutations=99, folder=f"{folder}/g")
    ...     opened = sp.open_local(f"{folder}/g")
    ...     print(opened.tally.n, opened.read(["G"]).shape)
    600 (600, 1)
    """
    if not isinstance(folder, (str, Path)):
        raise DataError(f"open_local needs the path of a folder; got {type(folder).__name__}.")
    path = Path(folder).expanduser().resolve()
    try:
        about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
        if about.pop("format") != _FORMAT or about["kind"] not in _HOMES:
            raise ValueError("another format")
        about |= {key: tuple(about[key]) for key in ("columns", "groups")}
        about |= {"counted": Tally(**about["counted"]), "dropped": pd.Index(about["dropped"])}
        opened = OpenLocal(path=path, **about)
        absent = [number for number in range(opened.files) if not _file(path, number).is_file()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"open_local needs a folder that local_moran(..., folder=) or getis_ord(..., folder=) wrote; "
            f"{path} is none ({error})."
        ) from None
    if absent:
        raise DataError(f"{path} cannot be read: files {absent[:9]} are missing. Compute it again.")
    return opened


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.parquet"


def _write(file: Path, frame: pd.DataFrame) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_path(file) as part:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        rising = {
            name: "DELTA_BINARY_PACKED"
            for name in ("id", "place")
            if pa.types.is_integer(table.schema.field(name).type)
        }
        few = [name for name in _FEW if name in frame]
        pq.write_table(table, part, use_dictionary=few, column_encoding=rising)


def _read(file: Path, columns: list[str] | None = None) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file).read(columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file} cannot be read: {error}. Compute the statistic again.") from None
    frame: pd.DataFrame = table.to_pandas()
    return frame
