"""The data of a study: read, restricted to shared units, cleaned, with derived columns and labels."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

import spatial as sp
from spatial.errors import DataError, did_you_mean, name_ids
from spatial.io.sources import is_database, without_password
from spatial.models.data.columns import cell_values
from spatial.models.data.source import as_source
from spatial.models.formula.grammar import parse_terms
from spatial.models.formula.tokens import Node
from spatial.panel.joining import as_map_ids, restrict
from spatial.study.schema.weights import Weights
from spatial.weights.specs import SPECS

from .record import file_hash
from .schema import study as schema

__all__ = [
    "Loaded",
    "cleaned",
    "content_digest",
    "data_files",
    "databases",
    "expression",
    "file_of",
    "file_stem",
    "hashes",
    "labels_of",
    "load_data",
    "time_of",
]

_SAMPLES = {"nc": ("nc", "nc_crime")}
_SIDECARS = (".shx", ".dbf", ".prj", ".cpg")


@dataclass(frozen=True)
class Loaded:
    """Map and panel as read, of the same units, and what was cut to make them so."""

    cities: Any
    panel: Any
    cut: str = ""


def file_of(text: str, folder: Path) -> Path:
    """Return a file named in a study: relative names are relative to the study file."""
    return folder / Path(text).expanduser()


def data_files(study: schema.Study, folder: Path) -> dict[str, Path]:
    """Return the files that are read, by the name that run.json calls them."""
    data = study.data
    if data.sample is not None:
        cities, panel = _SAMPLES[data.sample]
        found = [sp.shapefiles.path(cities, "gpkg"), sp.shapefiles.path(panel)]
        return {path.name: path for path in found}
    parts = [part for part in (data.cities, data.panel) if part is not None]
    names = [part.file for part in parts if not is_database(part.file)]
    for weights in study.weights.values():
        if isinstance(weights, Weights) and weights.spec.split(":")[0] not in SPECS:
            names.append(weights.spec)
    out = {}
    for name in names:
        path = file_of(name, folder)
        beside = [path.with_suffix(s) for s in _SIDECARS] if path.suffix.lower() == ".shp" else []
        out[name] = path
        out.update({str(Path(name).with_suffix(p.suffix)): p for p in beside if p.exists()})
    return out


def databases(study: schema.Study) -> list[str]:
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


def load_data(study: schema.Study, folder: Path) -> Loaded:
    """Read map and panel; their units must be the same, or common = true."""
    cities = _cities(study.data, folder)
    panel = _panel(study.data, folder, cities)
    if study.data.common or study.data.sample is not None:
        return Loaded(*restrict(cities, panel))
    lacks, extra = cities.index.difference(panel.units), panel.units.difference(cities.index)
    if len(lacks) or len(extra):
        parts = [f"not in the panel: {name_ids(lacks)}"] if len(lacks) else []
        parts += [f"not on the map: {name_ids(extra)}"] if len(extra) else []
        raise DataError(
            f"The units of map ({len(cities)}) and panel ({panel.n_units}) must be the same; "
            f"{'; '.join(parts)}. common = true keeps the shared ones and says which were cut."
        )
    return Loaded(cities, panel)


def _cities(data: schema.Data, folder: Path) -> Any:
    if data.sample is not None:
        return sp.shapefiles.load(_SAMPLES[data.sample][0])
    part = cast(schema.CitiesFile, data.cities)
    seat = cast(Any, tuple(part.seat) if isinstance(part.seat, list) else part.seat)
    source = _source(part.file, folder)
    return sp.read_cities(
        source, id=part.id, crs=part.crs, layer=part.layer, encoding=part.encoding, seat=seat
    )


def _panel(data: schema.Data, folder: Path, cities: Any) -> Any:
    if data.sample is not None:
        return sp.shapefiles.load(_SAMPLES[data.sample][1])
    part = data.panel
    if part is None:
        plain = cities.drop(columns=[c for c in cities if str(cities[c].dtype) == "geometry"])
        unit = str(cities.index.name or "unit")
        return sp.Panel.from_frame(plain.rename_axis(unit).assign(period=0), unit=unit, time="period")
    source, sheet = _source(part.file, folder), part.sheet if part.table is None else part.table
    panel = sp.read_panel(
        source, unit=part.unit, time=part.time, sheet=sheet, encoding=part.encoding, columns=part.columns
    )
    return as_map_ids(panel, cities.index)


def _source(name: str, folder: Path) -> str | Path:
    if is_database(name):
        return name
    path = file_of(name, folder)
    if not path.exists():
        raise DataError(f"There is no file {without_password(name)!r} in the study's folder.")
    return path


# ---- cleaning
def cleaned(study: schema.Study, panel: Any, *, keep_rows: bool = False) -> Any:
    """Apply the steps of [[cleaning]], then make the columns of [variables], in order.

    With `keep_rows`, steps that leave rows out are not applied.
    """
    for number, step in enumerate(study.cleaning):
        if keep_rows and isinstance(step, (schema.Balance, schema.Restrict, schema.Where)):
            continue
        try:
            panel = _apply(step, panel)
        except sp.SpatialError as error:
            raise type(error)(f"cleaning[{number}] ({step.do}): {error}") from None
    for name, variable in study.variables.items():
        if variable.formula is not None:
            try:
                panel = _derived(panel, name, variable.formula)
            except sp.SpatialError as error:
                raise type(error)(f"variables.{name}: {error}") from None
    return panel


def _apply(step: Any, panel: Any) -> Any:
    options = step.model_dump(exclude={"do"})
    match step:
        case schema.Balance(rule=rule, columns=columns):
            return panel.balance(rule, columns=columns)
        case schema.Restrict(units=units, times=times):
            between = None if times is None else slice(*(time_of(panel, t) for t in times))
            return panel.restrict(units=units, times=between)
        case schema.Where(formula=formula):
            return panel.where(_condition(panel, formula))
        case schema.Winsorize(share=list() as share):
            return panel.winsorize(step.columns, tuple(share), by=step.by)
        case schema.Deflate():
            options["base"] = time_of(panel, step.base)
    return getattr(panel, step.do)(**options)


def expression(text: str) -> Node:
    """Read a formula for one column; functions and operators of formulas, never Python."""
    terms = parse_terms(f"I({text})", ())
    return terms[0].factors[0]


def _derived(panel: Any, name: str, formula: str) -> Any:
    values = cell_values(expression(formula), as_source(panel, None))
    shape = (panel.n_times, panel.n_units)
    return panel.with_cube([name], np.broadcast_to(values, shape)[:, :, None].astype(np.float64))


def _condition(panel: Any, formula: str) -> Any:
    values = _derived(panel, "condition", formula)["condition"]
    if not values.isin([0.0, 1.0]).all():
        missing = int(values.isna().sum())
        raise DataError(
            f"{formula!r} must be a comparison that holds or not in each row; it is missing in {missing} and "
            f"neither in {len(values) - missing - int(values.isin([0.0, 1.0]).sum())} of {len(values)} rows."
        )
    return values.to_numpy() == 1.0


# ---- words
def file_stem(text: str) -> str:
    """Return a name for a file from the name of a column.

    Examples
    --------
    >>> file_stem("gdp/capita")
    'gdp_capita'
    """
    return re.sub(r'[/\\:*?"<>|\s]+', "_", text).strip("._") or "column"


def time_of(panel: Any, given: Any) -> Any:
    """Return the time of the panel that `given` names: 1987, or "1987-01"."""
    for time in panel.times.tolist():
        if time == given or str(time) == str(given) or str(time).startswith(f"{given} "):
            return time
    times = [str(t) for t in panel.times]
    raise DataError(f"The panel has no time {given!r}.{did_you_mean(given, times)} It has {name_ids(times)}.")


def labels_of(study: schema.Study, panel: Any) -> dict[str, str]:
    """Return the label of each column in the study's language: the study's own, the data's, the sample's."""
    found = dict(panel.labels)
    if study.data.sample is not None:
        for name in _SAMPLES[study.data.sample]:
            found |= sp.shapefiles.labels(name, study.language)
    for name, variable in study.variables.items():
        label = variable.zh if study.language == "zh" else variable.en
        if label:
            found[name] = label
    return {name: label for name, label in found.items() if name in panel.columns}


def hashes(files: dict[str, Path]) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {name: file_hash(path) for name, path in files.items()}
