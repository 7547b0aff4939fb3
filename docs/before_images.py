"""Draw the contact sheet as it looked before the redesign, and the page that shows it beside today's.

    python docs/before_images.py          # docs/images/before/*.png and docs/before.md

The last commit before the first colour of the new design is checked out into a temporary worktree, and its
code draws the same pictures from the same data: the functions of `make_images`, `result_images` and
`page_images`.  Arguments that did not exist are left out; where a figure did not exist, the page says so.
The old report needs Bokeh (`pip install bokeh`), which the package no longer asks for.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
COMMIT = "2fa556a9d226"
NEW = ("clusters_print",)
"""Pictures that show an option of today: without it they would be another picture."""
WIDTH = 400
"""Pixels of a thumbnail."""
ROOMS = ("spatial", "spatial.figures", "spatial.maps", "spatial.models", "spatial.weights")
SINCE = {
    "spatial.figures.canvas": {"style": dict},
    "spatial.tables.formats.latex": {"PACKAGES": r"\usepackage{booktabs,threeparttable}"},
}
"""Names that the scripts of today import and that did not exist."""


# ---- in the old checkout
def tolerant(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of then be called as today: options that it refuses by name are left out."""
    taken = inspect.signature(function).parameters.values()
    names = {p.name for p in taken}
    takes_all = any(p.kind is p.VAR_KEYWORD for p in taken)

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        kept = {k: v for k, v in options.items() if takes_all or k in names}
        while True:
            try:
                return function(*args, **kept)
            except (TypeError, ValueError) as error:
                refused = [k for k in kept if k not in names and repr(k) in str(error)]
                if not refused:
                    raise
                del kept[refused[0]]

    return call


def draw(folder: Path) -> None:
    """Draw what the code on the path can, as thumbnails; say what it cannot."""
    for module, names in SINCE.items():
        for name, value in names.items():
            vars(importlib.import_module(module)).setdefault(name, value)
    for room in map(importlib.import_module, ROOMS):
        for name in room.__all__:
            found = getattr(room, name)
            if inspect.isfunction(found):
                setattr(room, name, tolerant(found))
    sys.path.insert(0, str(HERE))
    make_images, page_images = map(importlib.import_module, ("make_images", "page_images"))
    import spatial as sp

    panel = page_images.result_images.crime()
    sp.read_cities = lambda name: sp.shapefiles.load(name).loc[panel.units]  # samples had no names
    sheet = {name: make for name, (_, make) in make_images.SHEET.items()} | as_then(make_images)
    for name in sheet.keys() - set(NEW):
        make = sheet[name]
        attempt(name, lambda make=make: sp.save_figure(make(), folder / "large.png", dpi=110), folder)
    for name in page_images.SHEET:
        attempt(name, lambda name=name: page_images.picture(name).save(folder / "large.png"), folder)


def as_then(images: Any) -> dict[str, Callable[[], Any]]:
    """Return the pictures whose call was written otherwise, by other names or with the map cut."""
    import spatial as sp

    nc, crime, data = images.data("nc"), images.data("crime"), images.data
    counties = nc.loc[list(crime.units)]
    rate = (1000 * nc["sid74"] / nc["bir74"]).rename("Deaths per 1,000 births")
    return {
        "box_map": lambda: sp.map_values(nc, rate, scheme="box_plot"),
        "deviations": lambda: sp.map_values(nc, data("share"), scheme="std_mean"),
        "years": lambda: sp.small_multiples(counties, crime, "crmrte"),
        "links": lambda: data("ninety").plot(counties),
        "event_study": lambda: sp.event_study_plot(images._event_studies()["own"]),
        "dispersion": lambda: sp.sigma_convergence(crime, "crmrte").plot(),
    }


def attempt(name: str, make: Callable[[], Any], folder: Path) -> None:
    """Keep one picture as a thumbnail of few colours, or say why there is none."""
    try:
        make()
    except (AttributeError, TypeError, ValueError) as error:
        print(f"{name}: {type(error).__name__}: {str(error)[:160]}")
        return
    with Image.open(folder / "large.png") as large:
        small = large.convert("RGB")
        small.thumbnail((WIDTH, 3 * WIDTH), Image.Resampling.LANCZOS)
        small.quantize(32, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)
    (folder / "large.png").unlink()


# ---- in this checkout
def thumbnails(target: Path) -> None:
    """Check the old commit out and let its code draw."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "then"
        subprocess.run(["git", "worktree", "add", "--detach", str(tree), COMMIT], cwd=HERE, check=True)
        try:
            target.mkdir(parents=True, exist_ok=True)
            environment = {**os.environ, "PYTHONPATH": str(tree), "SPATIAL_BEFORE": str(target)}
            subprocess.run([sys.executable, str(Path(__file__).resolve())], env=environment, check=True)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=HERE, check=True)


def page(target: Path) -> None:
    """Write the page: each picture of today, with what stood there before."""
    sys.path.insert(0, str(HERE))
    make_images, page_images = map(importlib.import_module, ("make_images", "page_images"))
    words = {name: entry[0] for name, entry in (*make_images.SHEET.items(), *page_images.SHEET.items())}
    then = [name for name in words if (target / f"{name}.png").exists()]
    lines = [
        "# Before and after",
        "",
        f"Left: the same call drawn by the code of commit `{COMMIT}`, the last one before the redesign, made",
        "by `python docs/before_images.py`; options that did not exist then are left out.  Right: today,",
        "from the [gallery](gallery.md).",
        "",
    ]
    for name in then:
        before, after = f"images/before/{name}.png", f"images/gallery/{name}.png"
        lines += [f"## {words[name]}", "", "| before | after |", "|---|---|"]
        lines += [f"| ![Before: {words[name]}]({before}) | ![After: {words[name]}]({after}) |", ""]
    new = [words[name] for name in words if name not in then]
    lines += ["## What did not exist", "", "; ".join(new) + ".", "", "Next: [gallery](gallery.md)."]
    (HERE / "before.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "SPATIAL_BEFORE" in os.environ:
        warnings.simplefilter("ignore")
        draw(Path(os.environ["SPATIAL_BEFORE"]))
    else:
        thumbnails(HERE / "images" / "before")
        page(HERE / "images" / "before")
