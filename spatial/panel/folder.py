"""A panel that stays on disk: a folder of Parquet files, read one time after the other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.threads import Workers, run_tasks
from spatial.errors import AlignmentError, DataError, did_you_mean, hinted, name_ids
from spatial.ids.alignment import check_ids, indexer, row_places
from spatial.io.atomic import atomic_path, out_folder
from spatial.words import tell

from .base import column_numbers
from .panel import OnDisk

if TYPE_CHECKING:
    from .panel import Panel

__all__ = ["OpenPanel", "open_panel"]

Float = NDArray[np.float64]
Piece = tuple[str, tuple[int, ...]]
"""A file, and which of its row groups."""


@dataclass(frozen=True, eq=False)
class OpenPanel(OnDisk):
    """A panel in files that is read as it is needed, one time after the other.

    Parameters
    ----------
    path : Path
    unit_name, time_name : str
    times : Index
        In order.
    columns : Index of str
        Without the unit and the time.
    pieces : mapping of time to tuple of Piece
        Where the rows of a time are.
    n_rows : int
    in_files : bool
        Whether the times are a column of the files; else they are in the names of folders.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> import spatial as sp
    >>> folder = tempfile.TemporaryDirectory()
    >>> for year in (2001, 2002):
    ...     table = pd.DataFrame({"city": ["a", "b"], "year": year, "x": [1.0, year - 2000.0]})
    ...     table.to_parquet(f"{folder.name}/{year}.parquet")
    >>> panel = sp.open_panel(folder.name, unit="city", time="year")
    >>> panel
    <OpenPanel 4 rows, 2 times (2001 to 2002), columns: 'x'>
    >>> panel.period(2002, ["x"], pd.Index(["b", "a"]))
    array([[2.],
           [1.]])
    >>> folder.cleanup()
    """

    path: Path
    unit_name: str
    time_name: str
    times: pd.Index[Any]
    columns: pd.Index[Any]
    pieces: Mapping[Any, tuple[Piece, ...]]
    n_rows: int
    in_files: bool

    @property
    def n_times(self) -> int:
        """T."""
        return len(self.times)

    @property
    def n_units(self) -> int:
        """Units at each time, where the panel is balanced."""
        return round(self.n_rows / max(self.n_times, 1))

    def __repr__(self) -> str:
        """Say how much there is."""
        said = tell("{} rows, {} times ({} to {}), columns: {}", "{} 行，{} 期（{} 至 {}），列：{}")
        facts = self.n_rows, self.n_times, self.times[0], self.times[-1], name_ids(self.columns)
        return f"<OpenPanel {said.format(*facts)}>"

    def has(self, column: str) -> bool:
        """Whether there is such a column, the unit and the time included."""
        return column in self.columns or column in (self.unit_name, self.time_name)

    def size(self, columns: int | None = None) -> str:
        """Say how much memory so many columns of numbers take; all by default."""
        count = len(self.columns) if columns is None else columns
        return written_bytes(8 * self.n_rows * count)

    def refusal(self, what: str) -> str:
        """Return why `what` needs the panel in memory, and what works from the disk."""
        return (
            f"{what} needs the panel in memory; this one is on disk: {self.n_rows} rows, {self.size(1)} for "
            f"each of its {len(self.columns)} columns. panel.read(columns) reads those that are needed; "
            "models.SpatialSystem and spatial_lag work from the disk."
        )

    def units(self, *, every: bool = False) -> pd.Index[Any]:
        """Read the ids of the first time, or of every time."""
        found = self._frame(self.times[0], []).index
        for time in self.times[1:] if every else ():
            found = found.append(self._frame(time, []).index.difference(found, sort=False))
        return found

    def period(
        self, time: Hashable, columns: list[str], units: pd.Index[Any], *, absent: bool = False
    ) -> Float:
        """Read columns of one time, (N, k), in the order of `units`; refuse absent and repeated units.

        With `absent` units may be absent, and their values are NaN.
        """
        frame = self._frame(time, columns, None if absent else units)
        what, there = f"the panel at {self.time_name} {time}", np.arange(len(units))
        if absent:
            places = row_places(frame.index, units)
            if (places < 0).any():
                raise AlignmentError(
                    f"Each unit of the panel must be in the weights; at {self.time_name} {time} are not: "
                    f"{name_ids(frame.index[places < 0])}. Take them out of the panel, or into the weights."
                )
            there = places
        elif not frame.index.equals(units):
            frame = frame.iloc[indexer(frame.index, units, what)]
        # Columns are taken one by one.
        out = np.full((len(units), len(columns)), np.nan, order="F")
        for k, column in enumerate(columns):
            ids = units[there] if column == self.unit_name else None
            out[there, k] = column_numbers(frame[column]) if ids is None else np.asarray(ids, np.float64)
        return out

    def _frame(self, time: Any, columns: list[str], units: pd.Index[Any] | None = None) -> pd.DataFrame:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        names = [c for c in dict.fromkeys(columns) if c not in (self.unit_name, self.time_name)]
        asked = [self.unit_name, *names, *([self.time_name] if self.in_files else [])]
        tables = []
        for file, groups in self.pieces[time]:
            with pq.ParquetFile(file) as opened:
                table = opened.read_row_groups(list(groups), columns=asked)
            if self.in_files:
                mine = pc.equal(table.column(self.time_name), pa.scalar(time))
                if not pc.all(mine, min_count=0).as_py():  # most files hold one time: no copy
                    table = table.filter(mine)
            tables.append(table.select([self.unit_name, *names]))
        table = pa.concat_tables(tables)
        del tables
        frame = table.to_pandas(split_blocks=True, self_destruct=True)  # no second copy of the numbers
        del table
        ids = pd.Index(frame.pop(self.unit_name), name=self.unit_name)
        # Those that were asked for are known to be unique.
        if units is None or not ids.equals(units):
            ids = check_ids(ids, f"the panel at {self.time_name} {time}")
        frame = frame.set_index(ids)
        if self.time_name in columns:
            frame[self.time_name] = time
        return frame

    def read(self, columns: str | Iterable[str] | None = None, times: Iterable[Any] | None = None) -> Panel:
        """Read these columns at these times, all by default, into memory."""
        from .panel import Panel

        wanted = [columns] if isinstance(columns, str) else list(self.columns if columns is None else columns)
        self.require(wanted)
        chosen = list(self.times if times is None else times)
        absent = [t for t in chosen if t not in self.pieces]
        if absent:
            raise DataError(f"The panel has no {self.time_name} {name_ids(absent)}.")
        parts = [self._frame(t, wanted).assign(**{self.time_name: t}).reset_index() for t in chosen]
        return Panel.from_frame(pd.concat(parts), unit=self.unit_name, time=self.time_name)

    def with_columns(
        self,
        folder: str | Path,
        columns: list[str],
        made: list[str],
        function: Callable[[Float], Float],
        units: pd.Index[Any],
        workers: Workers,
    ) -> OpenPanel:
        """Write the panel anew with columns added, a file for each time, and open it.

        Parameters
        ----------
        folder : path
            New, or empty.
        columns, made : list of str
            From which columns, and the names of the new ones.
        function : callable
            From (N, k) to (N, len(made)), in the order of `units`.
        units : Index
        workers : int or Cluster
        """
        target = out_folder(folder).resolve()
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise DataError(
                f"folder must be new or empty, for the panel with its new columns; {target} is not."
            )
        self.require(columns)
        taken = [name for name in made if self.has(name)]
        if taken:
            raise DataError(f"These columns are there already: {name_ids(taken)}. Choose others with name=.")
        run_tasks(
            list(self.times),
            _Adding(self, target, columns, made, function, units),
            lambda _, rows: rows,
            workers=workers,
            total=self.n_rows,
            seconds=1e-6 * self.n_rows * len(self.columns),
            progress=None,
            label="periods",
        )
        return open_panel(target, unit=self.unit_name, time=self.time_name)

    def require(self, columns: Iterable[str]) -> None:
        """Refuse columns that are not there."""
        for column in columns:
            if not self.has(column):
                raise DataError(f"The panel has no column {column!r}.{did_you_mean(column, self.columns)}")


@dataclass(frozen=True, eq=False)
class _Adding:
    """The job of `OpenPanel.with_columns`: a task is a time, its part the number of rows written."""

    panel: OpenPanel
    folder: Path
    columns: list[str]
    made: list[str]
    function: Callable[[Float], Float]
    units: pd.Index[Any]

    def prepare(self) -> Callable[[Any], int]:
        panel = self.panel

        def work(time: Any) -> int:
            values = self.function(panel.period(time, self.columns, self.units))
            frame = panel._frame(time, list(panel.columns))
            frame = frame.iloc[indexer(frame.index, self.units, f"the panel at {panel.time_name} {time}")]
            frame = frame.assign(**{name: values[:, k] for k, name in enumerate(self.made)})
            frame.insert(0, panel.time_name, time)
            with atomic_path(self.folder / f"{time}.parquet") as part:
                frame.reset_index(names=panel.unit_name).to_parquet(part, index=False)
            return len(frame)

        return work


@hinted
def open_panel(folder: str | Path, *, unit: str, time: str) -> OpenPanel:
    """Open a panel without reading it: a folder of Parquet or GeoParquet files, or one file.

    Parameters
    ----------
    folder : path
        Files of one or several times each, named as you like, or in folders such as ``year=2001/``.  Times
        are found from the names of the folders and from the statistics of the files.
    unit, time : str
        Columns of the ids and of the times.

    Returns
    -------
    OpenPanel
        For `spatial.models.SpatialSystem` and `spatial.spatial_lag`; other functions refuse it and say how
        much memory it would take; ``panel.read(columns)`` makes a `Panel` of it.

    Raises
    ------
    DataError
        No Parquet files; files whose columns differ; columns that are not there.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> folder = tempfile.TemporaryDirectory()
    >>> table = pd.DataFrame({"city": list("abab"), "year": [1, 1, 2, 2], "x": [1.0, 2.0, 3.0, 4.0]})
    >>> table.to_parquet(f"{folder.name}/all.parquet")
    >>> open_panel(folder.name, unit="city", time="year")
    <OpenPanel 4 rows, 2 times (1 to 2), columns: 'x'>
    >>> folder.cleanup()
    """
    for name, given in (("unit", unit), ("time", time)):
        if not isinstance(given, str):
            raise DataError(f"{name} is the name of a column; got {given!r}.")
    if not isinstance(folder, (str, Path)):
        raise DataError(f"open_panel needs the path of a folder; got {type(folder).__name__}.")
    path = Path(folder).expanduser().resolve()
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    files = [f for f in files if not any(p.startswith(("_", ".")) for p in f.relative_to(path).parts)]
    if not files or not files[0].is_file():
        raise DataError(f"open_panel needs a folder with .parquet files, or one such file; {path} has none.")
    pieces: dict[Any, list[Piece]] = {}
    columns: list[str] | None = None
    rows = 0
    in_files: bool | None = None
    for file in files:
        found = _opened(file, path, unit, time)
        if columns is not None and (found.columns != columns or found.in_file != in_files):
            other = sorted(set(found.columns) ^ set(columns))
            raise DataError(f"Files differ in their columns: {file} beside {files[0]}, in {name_ids(other)}.")
        columns, in_files = found.columns, found.in_file
        rows += found.rows
        for value, groups in found.groups.items():
            pieces.setdefault(value, []).append((str(file), tuple(groups)))
    assert columns is not None
    assert in_files is not None
    times = pd.Index(list(pieces), name=time).sort_values()
    kept = pd.Index([c for c in columns if c not in (unit, time)], dtype=object)
    return OpenPanel(path, unit, time, times, kept, {t: tuple(p) for t, p in pieces.items()}, rows, in_files)


@dataclass(frozen=True)
class _File:
    columns: list[str]
    rows: int
    groups: dict[Any, list[int]]
    in_file: bool


def _opened(file: Path, root: Path, unit: str, time: str) -> _File:
    """Read the footer of a file: its columns, and in which row groups each time is."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{file} is no Parquet file that can be read: {error}") from error
    with opened:
        # pandas keeps a row index without a name in a column of its own.
        names = [name for name in opened.schema_arrow.names if not name.startswith("__index_level_")]
        named = _named_time(file, root, time)
        for what, column in (("unit", unit), ("time", time)):
            if column not in names and not (what == "time" and named is not None):
                raise DataError(f"{file} has no column {column!r} for {what}=.{did_you_mean(column, names)}")
        every = range(opened.num_row_groups)
        if time not in names:
            return _File(names, opened.metadata.num_rows, {named: list(every)}, False)
        groups: dict[Any, list[int]] = {}
        place = opened.schema_arrow.get_field_index(time)
        for g in every:
            for value in _times_of(opened, g, place, time):
                groups.setdefault(value, []).append(g)
        return _File(names, opened.metadata.num_rows, groups, True)


def _named_time(file: Path, root: Path, time: str) -> Any:
    for part in file.relative_to(root).parts[:-1] if root.is_dir() else ():
        key, _, value = part.partition("=")
        if key == time and value:
            return int(value) if value.lstrip("-").isdigit() and str(int(value)) == value else value
    return None


def _times_of(opened: Any, group: int, place: int, time: str) -> list[Any]:
    """Return the times of a row group: from its statistics where it has one only, else from its column."""
    found = opened.metadata.row_group(group)
    statistics = found.column(place).statistics if place < found.num_columns else None
    if (
        statistics is not None
        and statistics.has_min_max
        and statistics.min == statistics.max
        and not statistics.null_count
        and isinstance(statistics.min, int)
        and found.column(place).path_in_schema == time
    ):
        return [statistics.min]
    values = opened.read_row_group(group, columns=[time]).column(time)
    if values.null_count:
        raise DataError(f"Each row needs a {time}; {values.null_count} rows of a file have none.")
    return list(values.unique().to_pylist())


def written_bytes(count: float) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> written_bytes(3_200_000_000)
    '3.2 GB'
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} bytes"
