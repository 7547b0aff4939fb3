"""The data of a study as read: map, panel and tables of industries, of the units that map and panel share."""

from __future__ import annotations

import hashlib
import urllib.parse
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pandas as pd

from spatial import shapefiles
from spatial.errors import DataError, SpatialError, did_you_mean, name_ids
from spatial.io.cities import read_cities
from spatial.io.sources import is_database, parts_of, without_password
from spatial.panel.industries import read_industries, read_reference
from spatial.panel.joining import as_map_ids, read_calendar, restrict
from spatial.panel.panel import Panel
from spatial.panel.reading import read_panel
from spatial.weights.specs import SPECS
from spatial.words import Said, listed

from .columns import cleaned, lines
from .record import file_hash
from .schema import data as schema
from .schema.study import Study
from .schema.weights import Weights

__all__ = [
    "Loaded",
    "content_digest",
    "data_files",
    "databases",
    "file_of",
    "hashes",
    "hidden",
    "labels_of",
    "load_data",
    "read_shapes",
]


@dataclass(frozen=True)
class Loaded:
    """Map and panel as read, of the same units, what was cut to make them so, and what comes with them."""

    cities: Any
    panel: Any
    cut: str = ""
    tables: dict[str, Any] = field(default_factory=dict)
    """Tables of units x times x industries, by name."""
    references: dict[str, Any] = field(default_factory=dict)
    """The nation's tables, by the name of the table."""
    sample: Any = None
    """The sample, where the data are one."""
    quick: bool = False
    """Whether few draws are taken, which every output says."""
    whole: Any = None
    """The map before anything was cut: what it shows beyond the units is hatched."""

    @property
    def simulated(self) -> bool:
        """Whether the data were drawn, and not observed."""
        return self.sample is not None and bool(self.sample.simulated)


def file_of(text: str, folder: Path) -> Path:
    """Return a file named in a study: relative names are relative to the study file."""
    return folder / Path(text).expanduser()


def data_files(study: Study, folder: Path) -> dict[str, Path]:
    """Return the files that are read, by the name that run.json calls them."""
    data = study.data
    names: list[str] = []
    out: dict[str, Path] = {}
    if data.sample is not None:
        out |= {path.name: path for path in shapefiles.sample_contents(data.sample).files()}
    parts = [part for part in (data.cities, data.panel, *data.industries.values()) if part is not None]
    names += [part.file for part in parts if not is_database(part.file)]
    names += [part.file for part in data.policies.values()]
    names += [part.reference for part in data.industries.values() if part.reference is not None]
    for figure in study.figures:
        names += filter(None, [getattr(figure, key, None) for key in ("background", "outline")])
    for weights in study.weights.values():
        if isinstance(weights, Weights) and weights.spec.split(":")[0] not in SPECS:
            names.append(weights.spec)
    for name in names:
        path = file_of(name, folder)
        for part in parts_of(path):
            beside = Path(name).parent / part.relative_to(path.parent)
            out[name if part == path else beside.as_posix()] = part
    return out


def databases(study: Study) -> list[str]:
    """Return the addresses of databases that are read, as they are written, passwords and all."""
    parts = [part for part in (study.data.cities, study.data.panel) if part is not None]
    return list(dict.fromkeys(part.file for part in parts if is_database(part.file)))


def content_digest(loaded: Loaded) -> str:
    """Return a digest of what was read, for sources that are no files to take a digest of."""
    found = hashlib.sha256()
    for frame in (loaded.cities, loaded.panel.frame):
        shapes = [c for c in frame.columns if str(frame[c].dtype) == "geometry"]
        plain = pd.DataFrame(frame.drop(columns=shapes))
        found.update(repr([*plain.dtypes.astype(str).items(), *shapes]).encode())
        found.update(pd.util.hash_pandas_object(plain).to_numpy().tobytes())
        for column in shapes:
            found.update(repr((str(frame[column].crs), frame[column].to_wkb().tolist())).encode())
    return found.hexdigest()


def hidden(text: str, study: Study) -> str:
    """Return a reader's message without the passwords of the study's databases."""
    for source in databases(study):
        text = text.replace(source, without_password(source))
        password = urllib.parse.urlsplit(source).password or ""
        for written in {password, urllib.parse.unquote(password)}:
            # A shorter one would be found inside of words; readers do not write it alone.
            text = text.replace(written, "***") if len(written) > 3 else text
    return text


# ---- reading
def load_data(study: Study, folder: Path, seed: int | None = None) -> Loaded:
    """Read map, panel and tables; the units of map and panel must be the same, or common = true.

    `seed` draws a simulated sample anew.
    """
    data = study.data
    sample = None if data.sample is None else shapefiles.load_sample(data.sample, seed)
    cities = sample.cities if sample is not None else _cities(data, folder)
    panel = sample.panel if sample is not None and data.panel is None else _panel(data, folder, cities)
    # A sample that is drawn has some of the cities: the map shows the others as having no data.
    cut, whole = "", cities
    if sample is not None and sample.simulated:
        whole = shapefiles.load("china_cities")
    if data.common or data.sample is not None:
        cities, panel, cut = restrict(cities, panel)
    else:
        _require_same(cities, panel)
    tables = {} if sample is None else dict(sample.tables)
    references = {} if sample is None else dict(sample.references)
    for name, part in data.industries.items():
        try:
            tables[name] = as_map_ids(_industries(part, folder), cities.index)
            if part.reference is not None:
                columns = [str(c) for c in tables[name].columns]
                references[name] = read_reference(
                    _source(part.reference, folder), time=part.time, columns=columns, codes=part.codes
                )
        except SpatialError as error:
            raise type(error)(f"industries.{name}: {error}") from None
    panel = _joined(data, cities, panel)
    for name, calendar in data.policies.items():
        panel = _adopted(panel, name, calendar, folder)
    cities, cut = _of_kept_rows(study, cities, panel, cut)
    return Loaded(cities, panel, cut, tables, references, sample, whole=whole)


def _of_kept_rows(study: Study, cities: Any, panel: Any, cut: str) -> tuple[Any, str]:
    """Return the map of the units that the steps on rows keep, and what was cut; weights are built of it."""
    if not any(line.chooses for line in lines(study, [str(c) for c in panel.columns], ())):
        return cities, cut
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said when the panel is made
            units = cleaned(study, panel, wanted=()).units
    except SpatialError:  # said with the step that fails
        return cities, cut
    lost = cities.index.difference(units)
    if not len(lost):
        return cities, cut
    said = Said(_CUT_BY_ROWS, ids=name_ids(lost))
    return cities.loc[cities.index.isin(units)], listed([cut, said], ("; ", "；")) if cut else said


_CUT_BY_ROWS = (
    "left out by [[cleaning]], cut from the map (missing neighbours): {ids}",
    "被 [[cleaning]] 去掉、自地图剔除（其邻居因此缺少）：{ids}",
)


def _require_same(cities: Any, panel: Any) -> None:
    lacks, extra = cities.index.difference(panel.units), panel.units.difference(cities.index)
    if len(lacks) or len(extra):
        parts = [f"not in the panel: {name_ids(lacks)}"] if len(lacks) else []
        parts += [f"not on the map: {name_ids(extra)}"] if len(extra) else []
        raise DataError(
            f"The units of map ({len(cities)}) and panel ({panel.n_units}) must be the same; "
            f"{'; '.join(parts)}. common = true keeps the shared ones and says which were cut."
        )


def _joined(data: schema.Data, cities: Any, panel: Any) -> Any:
    """Return the panel with columns of the map."""
    for column in data.join_map:
        if column not in cities.columns or column == cities.geometry.name:
            known = [str(c) for c in cities.columns if str(cities[c].dtype) != "geometry"]
            raise DataError(
                f"join_map: the map has no column {column!r}.{did_you_mean(column, known)} "
                f"It has: {name_ids(known)}."
            )
        if str(cities[column].dtype) == "geometry":
            raise DataError(f"join_map: {column!r} holds places, which are no column of a panel.")
        if column in panel.columns:
            raise DataError(
                f"join_map: the panel has a column {column!r} of its own; rename one, or leave it out."
            )
    return panel.join(pd.DataFrame(cities[data.join_map])) if data.join_map else panel


def _cities(data: schema.Data, folder: Path) -> Any:
    part = cast(schema.CitiesFile, data.cities)
    seat = cast(Any, tuple(part.seat) if isinstance(part.seat, list) else part.seat)
    return read_cities(
        _source(part.file, folder),
        id=part.id,
        crs=part.crs,
        layer=part.layer,
        encoding=part.encoding,
        seat=seat,
        bbox=cast(Any, None if part.bbox is None else tuple(part.bbox)),
    )


def _panel(data: schema.Data, folder: Path, cities: Any) -> Any:
    part = data.panel
    if part is None:
        plain = cities.drop(columns=[c for c in cities if str(cities[c].dtype) == "geometry"])
        unit = str(cities.index.name or "unit")
        return Panel.from_frame(plain.rename_axis(unit).assign(period=0), unit=unit, time="period")
    source, sheet = _source(part.file, folder), part.sheet if part.table is None else part.table
    panel = read_panel(
        source, unit=part.unit, time=part.time, sheet=sheet, encoding=part.encoding, columns=part.columns
    )
    return as_map_ids(panel, cities.index)


def _adopted(panel: Any, name: str, part: schema.Policy, folder: Path) -> Any:
    """Return the panel with the first treated time of a policy."""
    if name in panel.columns:
        raise DataError(f"policies.{name}: the panel has a column of that name; give the calendar another.")
    try:
        source, sheet = _source(part.file, folder), part.sheet
        found = read_calendar(
            source, panel, unit=part.unit, start=part.start, sheet=sheet, encoding=part.encoding
        )
        return panel.join(found.to_frame(name))
    except SpatialError as error:
        raise type(error)(f"policies.{name}: {error}") from None


def _industries(part: schema.Industries, folder: Path) -> Any:
    return read_industries(
        _source(part.file, folder),
        unit=part.unit,
        time=part.time,
        industry=part.industry,
        value=part.value,
        columns=part.columns,
        sheet=part.sheet,
        encoding=part.encoding,
        codes=part.codes,
    )


def read_shapes(name: str, folder: Path) -> Any:
    """Return the shapes of a file that a map draws below or above the units."""
    import geopandas as gpd

    path = _source(name, folder)
    try:
        return gpd.read_file(path)
    except Exception as error:  # whatever the reader raises
        raise DataError(f"Cannot read the shapes of {name!r}: {error}.") from None


def _source(name: str, folder: Path) -> str | Path:
    if is_database(name):
        return name
    path = file_of(name, folder)
    if not path.exists():
        raise DataError(f"There is no file {without_password(name)!r} in the study's folder.")
    return path


# ---- words
def labels_of(study: Study, loaded: Loaded, panel: Any) -> dict[str, str]:
    """Return the label of each column in the study's language: the study's own, the data's, the sample's.

    Where the language of the study has no label, the other one is used.
    """
    found = dict(panel.labels)
    language, other = study.language, "en" if study.language == "zh" else "zh"
    if loaded.sample is not None:
        found |= loaded.sample.labels(study.language)
    own: list[tuple[str, Any]] = [(part.name, part) for part in study.measures]
    own += study.groups.items()
    for name, part in [*own, *study.variables.items()]:
        label = getattr(part, language) or (getattr(part, other) if name not in found else None)
        if label:
            found[name] = label
        if getattr(part, "unit", None) and name in found:
            found[name] = (
                f"{found[name]} ({part.unit})" if language == "en" else f"{found[name]}（{part.unit}）"
            )
    return {name: label for name, label in found.items() if name in panel.columns}


def hashes(files: dict[str, Path]) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {name: file_hash(path) for name, path in files.items()}
