"""Photograph the report and a table as a reader sees them, in headless Chromium, in both languages.

python docs/make/screens.py        # docs/images/{report,table}{,.zh}.png; needs chromium
"""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from pathlib import Path

from PIL import Image

import spatial as sp

IMAGES = Path(__file__).parent.parent / "images"
LABELS = {
    "log(crmrte)": "犯罪率",
    "log(polpc)": "人均警力",
    "log(prbarr)": "逮捕概率",
    "log(density)": "人口密度",
}


def photograph(page: Path, picture: Path, width: int, height: int) -> None:
    """Write what Chromium shows of a page, with the white below it cut."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--user-data-dir={profile}", f"--window-size={width},{height}", "--virtual-time-budget=4000",
                f"--screenshot={picture}", page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
    with Image.open(picture) as image:
        found = image.convert("RGB")
        rows = [y for y in range(found.height) if found.crop((0, y, found.width, y + 1)).getcolors(1) is None]
        cut = found.crop((0, 0, found.width, min(max(rows, default=0) + 12, found.height)))
        cut.quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)


def draw(folder: Path) -> None:
    """Write both pages and photograph them."""
    panel = sp.Panel(sp.shapefiles.load("nc_crime").frame, sp.shapefiles.labels("nc_crime", "zh"))
    counties = sp.shapefiles.load("nc").loc[panel.units]
    W = sp.weights.contiguity(counties).row_standardized()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sp.explore(counties, panel, ["crmrte", "polpc"], W, folder / "report.html", names="name", lang="zh")
        formulas = ("log(crmrte) ~ log(polpc)", "log(crmrte) ~ log(polpc) + log(prbarr) + log(density)")
        fits = [sp.models.fixed_effects(formula, panel) for formula in formulas]
        sp.regression_table(fits, labels=LABELS, lang="zh").to_html(folder / "table.html")
    photograph(folder / "report.html", IMAGES / "report.zh.png", 1280, 860)
    photograph(folder / "table.html", IMAGES / "table.zh.png", 620, 640)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        draw(Path(made))
