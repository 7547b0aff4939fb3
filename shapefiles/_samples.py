"""Samples: a map with its panel, and what comes with them, under one name."""

from __future__ import annotations

import copy
import functools
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial.errors import DataError, did_you_mean, hinted
from spatial.words import check_language

from ._catalogue import labels, path
from ._load import load

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from spatial.panel.panel import Panel

__all__ = ["SAMPLES", "Sample", "SampleContents", "load_sample", "sample_contents"]


@dataclass(frozen=True)
class SampleContents:
    """What a sample holds, known before it is read.

    Parameters
    ----------
    cities : str
        Name of the map.
    panel : str
        Name of the panel that ships; empty for the columns of the map, as one cross-section.
    tables : tuple of str
        Tables of units x times x industries.
    references : tuple of str
        Those of them that come with the nation's table.
    """

    name: str
    cities: str
    panel: str = ""
    tables: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    simulated: str = ""
    """Module of `spatial.shapefiles.simulated` that draws it."""

    def files(self) -> list[Path]:
        """Return the files that are read."""
        found = [path(self.cities, "gpkg")]
        return [*found, path(self.panel)] if self.panel else found


SAMPLES = {
    found.name: found
    for found in (
        SampleContents("nc", "nc", "nc_crime"),
        SampleContents("china_cities", "china_cities"),
        SampleContents("sun-simulated", "china_cities", simulated="sun"),
        SampleContents(
            "bai-simulated",
            "china_cities",
            tables=("jobs", "output"),
            references=("jobs", "output"),
            simulated="bai",
        ),
        SampleContents(
            "smart-city-simulated",
            "china_cities",
            tables=("jobs",),
            references=("jobs",),
            simulated="smart_city",
        ),
    )
}


@dataclass(frozen=True, eq=False)
class Sample:
    """A map, its panel, and what comes with them; unpacks as ``cities, panel``."""

    cities: gpd.GeoDataFrame
    panel: Panel
    tables: Mapping[str, Any] = field(default_factory=dict)
    references: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    """Names of the maps and panels whose labels it has."""
    simulated: bool = False
    truth: pd.DataFrame | None = None
    """Of a simulated sample: equation, term, value, note."""
    own_labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Labels in English and Chinese, of columns that are drawn."""
    weights: str = ""
    """The text of the weights of its process, called W in `truth`."""

    def __iter__(self) -> Iterator[Any]:
        """Yield map and panel."""
        return iter((self.cities, self.panel))

    def labels(self, lang: str | None = None) -> dict[str, str]:
        """Return the labels of its columns, by default in the language in force."""
        lang, found = check_language(lang), dict[str, str]()
        for name in self.names:
            found |= labels(name, lang)
        return found | {name: words[lang == "zh"] for name, words in self.own_labels.items()}


@hinted
def sample_contents(name: str) -> SampleContents:
    """Return what a sample holds, or say which there are.

    Raises
    ------
    DataError
        If there is no such sample.

    Examples
    --------
    >>> sample_contents("nc").panel
    'nc_crime'
    """
    if name not in SAMPLES:
        raise DataError(
            f"There is no sample {name!r}.{did_you_mean(name, SAMPLES)} There are: "
            f"{', '.join(map(repr, SAMPLES))}."
        )
    return SAMPLES[name]


@hinted
def load_sample(name: str, seed: int | None = None) -> Sample:
    """Load a map with its panel.

    Parameters
    ----------
    name : {"nc", "china_cities", "sun-simulated", "bai-simulated", "smart-city-simulated"}
        ``"nc"``: counties of North Carolina and the panel of crime.  ``"china_cities"``: 336 cities of
        China, whose columns are a panel of one time.  ``"sun-simulated"``: a panel **drawn** with known truth
        over the seats of 283 of them, 2003-2023, after Sun (2025).  ``"bai-simulated"``: another one, of 241
        cities in 2010-2020, with employment and output of 19 industries, after Bai.
        ``"smart-city-simulated"``: 284 cities in 2007-2020, three cohorts of a policy whose effects grow and
        spill to neighbours; every number of it is ours.
    seed : int, optional
        Of a simulated sample: another draw; default the one that ships.

    Returns
    -------
    Sample
        Unpacks as ``cities, panel``; of a simulated one, ``.truth`` has the true coefficients.

    Raises
    ------
    DataError
        For a name that is not there, and a seed of data that were observed.

    Examples
    --------
    >>> cities, panel = load_sample("nc")
    >>> len(cities), panel.n_units
    (100, 90)
    """
    from spatial.panel.panel import Panel

    found = sample_contents(name)
    if found.simulated:
        return _drawn(found, seed)
    if seed is not None:
        raise DataError(f"{name!r} was observed: it has no seed.")
    cities = load(found.cities)
    if found.panel:
        return Sample(cities, load(found.panel), names=(found.cities, found.panel))
    plain = cities.drop(columns=[c for c in cities if str(cities[c].dtype) == "geometry"])
    unit = str(cities.index.name)
    panel = Panel.from_frame(plain.assign(period=0), unit=unit, time="period")
    return Sample(cities, panel, names=(found.cities,))


def _drawn(found: SampleContents, seed: int | None) -> Sample:
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool) or seed < 0):
        raise DataError(f"seed is a whole number at or above zero; got {seed!r}.")
    module = importlib.import_module(f".simulated.{found.simulated}", __package__)
    drawn = _draw(found.simulated, module.SEED if seed is None else seed)
    # Copies: whoever changes a frame must not change the next one's.
    copied = copy.deepcopy(drawn)
    return Sample(
        **copied, names=(found.cities,), simulated=True, own_labels=module.LABELS, weights=module.WEIGHTS
    )


@functools.lru_cache(maxsize=2)
def _draw(name: str, seed: int) -> dict[str, Any]:
    module = importlib.import_module(f".simulated.{name}", __package__)
    parts = ("cities", "panel", "truth", "tables", "references")
    return dict(zip(parts, module.draw(seed), strict=False))
