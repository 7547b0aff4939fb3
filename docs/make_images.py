"""Draw the pictures of the README and the pages from the shipped data, and the contact sheet of all figures.

    python docs/make_images.py            # docs/images/*.png and docs/gallery.md

Each picture of the sheet is one function that returns Axes; its name is the file's.  The pixel tests of
``tests/figures/test_gallery.py`` draw the same ones: no figure is empty, no character a box, no words overlap
and none are cut.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

import spatial as sp
from spatial import figures
from spatial.figures.canvas import style

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import page_images  # noqa: E402 - beside this file, wherever Python was started
import result_images  # noqa: E402

SHEET: dict[str, tuple[str, Callable[[], Any]]] = {}


def shown(words: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Put a picture on the contact sheet, with what it shows."""

    def add(draw: Callable[[], Any]) -> Callable[[], Any]:
        SHEET[draw.__name__] = words, draw
        return draw

    return add


class _Data:
    """The shipped maps and panels, read once."""

    _kept: ClassVar[dict[str, Any]] = {}

    @classmethod
    def get(cls, name: str) -> Any:
        if name not in cls._kept:
            cls._kept[name] = getattr(cls, f"_{name}")()
        return cls._kept[name]

    @staticmethod
    def _nc() -> Any:
        return sp.shapefiles.load("nc").rename_axis("fips")

    @staticmethod
    def _crime() -> Any:
        panel = sp.shapefiles.load("nc_crime")
        names = ("crmrte", "polpc", "prbarr", "prbconv", "prbpris", "avgsen", "taxpc", "mix", "density")
        return panel.with_columns(**{f"l{name}": np.log(panel.frame[name]) for name in names})

    @staticmethod
    def _china() -> Any:
        return sp.shapefiles.load("china_cities")

    @classmethod
    def _share(cls) -> Any:
        nc = cls.get("nc")
        return (nc["nwbir74"] / nc["bir74"]).rename("non-white births, share")

    @classmethod
    def _queen(cls) -> Any:
        return sp.weights.contiguity(cls.get("nc")).row_standardized()

    @classmethod
    def _local(cls) -> Any:
        return sp.local_moran(cls.get("share"), cls.get("queen"), permutations=999, keep_simulations=True)

    @classmethod
    def _ninety(cls) -> Any:
        nc, crime = cls.get("nc"), cls.get("crime")
        return sp.weights.contiguity(nc.loc[nc.index.isin(crime.units)]).row_standardized()


def data(name: str) -> Any:
    """Return a shipped data set, or what is made of it."""
    return _Data.get(name)


# ---- maps
@shown("Clusters of local Moran's I")
def clusters() -> Any:
    return sp.map_clusters(data("local"), data("nc"), note="Data: North Carolina SIDS, Cressie (1993)")


@shown("The same in black and white")
def clusters_print() -> Any:
    return sp.map_clusters(data("local"), data("nc"), palette="print")


@shown("How significant a unit is")
def significance() -> Any:
    return sp.map_significance(data("local"), data("nc"))


@shown("Fifths, with names and a north arrow")
def values() -> Any:
    nc = data("nc")
    rate = (1000 * nc["sid74"] / nc["bir74"]).rename("Deaths per 1,000 births")
    cities = pd.Series({"37183": "Wake", "37119": "Mecklenburg", "37129": "New Hanover"})
    named = cities[cities.index.isin(nc.index)]
    return sp.map_values(nc, rate, labels=named, north_arrow=True, title="Sudden infant deaths, 1974–1978")


@shown("Values of both signs: symmetric round zero")
def change() -> Any:
    nc = data("nc")
    change = 1000 * (nc["sid79"] / nc["bir79"] - nc["sid74"] / nc["bir74"])
    return sp.map_values(nc, change.rename("Change, deaths per 1,000 births"))


@shown("Box map, hinge 1.5")
def box_map() -> Any:
    nc = data("nc")
    return sp.map_values(
        nc, (1000 * nc["sid74"] / nc["bir74"]).rename("Deaths per 1,000 births"), scheme="box"
    )


@shown("Standard-deviation map")
def deviations() -> Any:
    return sp.map_values(data("nc"), data("share"), scheme="standard_deviation")


@shown("Unique values, in Chinese; an area-true conic of China")
def regions() -> Any:
    china = data("china")
    return sp.map_values(china, china["region"].rename("地区"), scheme="unique", lang="zh", group="province")


@shown("Each year of a panel; counties without data are hatched")
def years() -> Any:
    return sp.small_multiples(data("nc"), data("crime"), "crmrte", title="Crimes per person, 1981–1987")


@shown("Who neighbours whom")
def links() -> Any:
    return data("ninety").plot(data("nc"))


@shown("On dark paper")
def dark() -> Any:
    with figures.theme("dark"):
        return sp.map_clusters(data("local"), data("nc"))


# ---- charts
@shown("Moran scatter plot, in the colours of the clusters")
def scatter() -> Any:
    return sp.moran_scatter(
        sp.moran(data("share"), data("queen")), local=data("local"), labels=data("nc")["name"]
    )


@shown("Each year of a panel")
def scatter_years() -> Any:
    return sp.moran_scatter(data("crime"), data("ninety"), column="lcrmrte")


@shown("All years pooled")
def scatter_pooled() -> Any:
    return sp.moran_scatter(data("crime"), data("ninety"), column="lcrmrte", at="pooled")


@shown("Moran's I through time")
def over_time() -> Any:
    frame = sp.moran_panel(data("crime"), ["lcrmrte", "lpolpc"], data("ninety"), permutations=999)
    return sp.moran_over_time(frame, labels={"lcrmrte": "crime", "lpolpc": "police"})


@shown("The reference distribution of a permutation test")
def reference() -> Any:
    return figures.reference_distribution(sp.moran(data("share"), data("queen"), permutations=9999))


@shown("Autocorrelation by distance")
def correlogram() -> Any:
    return sp.correlogram(data("share"), data("nc")).plot(title="Non-white births are alike within 200 km")


@shown("The distance band at which the statistic is largest")
def sweep() -> Any:
    rows = []
    for km in range(40, 420, 20):
        found = sp.moran(
            data("share"), sp.weights.distance_band(data("nc"), km=km, islands="keep"), permutations=0
        )
        rows.append((km, found.z_randomisation, found.p_randomisation))
    return figures.sweep_plot(pd.DataFrame(rows, columns=["distance", "z_value", "p_randomisation"]))


@shown("Coefficients of three estimators")
def coefficients() -> Any:
    return sp.coefficient_plot(
        dict(zip(("GS3SLS", "2SLS"), _fits(), strict=True)),
        equation="lcrmrte",
        labels=_LABELS,
        title="Deterrence by two estimators",
    )


@shown("Direct, indirect and total effects")
def impacts() -> Any:
    return sp.impacts_plot(
        _fits()[0].impacts(draws=200, seed=1), outcome="lcrmrte", labels={**_LABELS, "lcrmrte": "crime"}
    )


_LABELS = {
    "lprbarr": "Arrests per offence",
    "lprbconv": "Convictions per arrest",
    "lprbpris": "Prison sentences per conviction",
    "lpolpc": "Police per head",
    "lavgsen": "Average sentence",
    "W(lcrmrte)": "Crime next door",
}


def _fits() -> tuple[Any, Any]:
    if "fits" not in _Data._kept:
        system = sp.models.SpatialSystem(
            [
                "lcrmrte ~ lpolpc + W(lcrmrte) + lprbarr + lprbconv",
                "lpolpc ~ lcrmrte + W(lpolpc) + ltaxpc + lmix",
            ],
            data("crime"),
            data("ninety"),
            effects=("unit", "time"),
        )
        _Data._kept["fits"] = system.fit("gs3sls"), system.fit("2sls")
    found: tuple[Any, Any] = _Data._kept["fits"]
    return found


def _event_studies() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(5)
    time = np.array([t for t in range(-6, 9) if t != -1])
    studies = {}
    for name, size in (("own", 1.0), ("neighbours’", 0.35)):
        truth = np.where(time >= 0, size * (0.06 + 0.018 * np.maximum(time, 0)), 0)
        spread = 0.012 + 0.0012 * np.abs(time + 1)
        estimate = truth + rng.normal(0, 0.6, len(time)) * spread
        ends = {
            f"{kind}_{side}": estimate + sign * reach * spread
            for kind, reach in (("conf", 1.96), ("band", 2.91))
            for side, sign in (("low", -1), ("high", 1))
        }
        studies[name] = pd.DataFrame({"time": time, "estimate": estimate, **ends})
    return studies


@shown("An event study with simultaneous intervals, simulated")
def event_study() -> Any:
    return sp.event_study_plot(
        _event_studies(), title="Effects build up for eight years", label="Effect on log output"
    )


@shown("Densities by year")
def densities() -> Any:
    return sp.density_ridges(data("crime"), "lcrmrte")


@shown("How many neighbours")
def neighbours() -> Any:
    return sp.neighbour_histogram(data("ninety"))


SHEET |= result_images.SHEET


# ---- files
def readme() -> None:
    """Moran scatter plot and cluster map of non-white births in North Carolina, 1974."""
    rc: Any = style()
    with matplotlib.rc_context(rc):
        figure = Figure(figsize=(10.5, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1, 2.1])
    moran = sp.moran(data("share"), data("queen"))
    sp.moran_scatter(moran, ax=left, local=data("local"), title="", subtitle=f"Moran’s I = {moran.I:.3f}")
    sp.map_clusters(data("local"), data("nc"), ax=right)
    figure.savefig(HERE / "images" / "nc.png", dpi=110)
    _smaller(HERE / "images" / "nc.png")


def _smaller(path: Path) -> None:
    """Keep 128 colours, which these pictures have at most."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def gallery(names: list[str]) -> None:
    """Write the pictures of the contact sheet, and its page."""
    folder = HERE / "images" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    page = [
        "# Every figure and map",
        "",
        "Made by `python docs/make_images.py` from the shipped data; each of its functions is an example.",
        "Colours, fonts and the words round a figure are the same everywhere (`spatial.figures`);",
        "[before and after](before.md) shows what they were.",
        "",
    ]
    for name, (words, draw) in SHEET.items():
        if not names or name in names:
            axes = draw()
            _smaller(sp.save_figure(axes, folder / f"{name}.png", dpi=110))
        page += entry(name, words)
    page += ["# Tables and the report", ""]
    for name, (words, *_) in page_images.SHEET.items():
        image = page_images.picture(name) if not names or name in names else None
        if image is not None:
            image.save(folder / f"{name}.png")
            _smaller(folder / f"{name}.png")
        page += [f"## {words}", "", f"![{words}](images/gallery/{name}.png)", ""]
    page += ["Next: [reference by task](reference.md)."]
    (HERE / "gallery.md").write_text("\n".join(page) + "\n", encoding="utf-8")


def entry(name: str, words: str, code: str = "Code") -> list[str]:
    """Return the lines of a picture on the page: what it shows, itself, and its code to open."""
    source = inspect.getsource(SHEET[name][1]).partition("def ")[2]
    opened = [f"<details><summary>{code}</summary>", "", "```python", f"def {source.rstrip()}"]
    block = [*opened, "```", "", "</details>"]
    return [f"## {words}", "", f"![{words}](images/gallery/{name}.png)", "", *block, ""]


if __name__ == "__main__":
    readme()
    gallery(sys.argv[1:])
