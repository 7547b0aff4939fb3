"""Pictures of what is not a figure: tables as Word and LaTeX set them, and the report in its states.

They need xelatex, LibreOffice, pdftoppm and Chromium; where one is missing, its pictures stay as they are.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import result_images
from PIL import Image, ImageChops

import spatial as sp
from spatial.tables.formats.latex import PACKAGES

Draw = Callable[[Path], Image.Image]
SHEET: dict[str, tuple[str, tuple[str, ...], Draw]] = {}
_WORD, _LATEX, _BROWSER = ("soffice", "pdftoppm"), ("xelatex", "pdftoppm"), ("chromium",)


def shown(words: str, *programs: str) -> Callable[[Draw], Draw]:
    """Put a picture on the contact sheet, with the programs that it needs."""

    def add(draw: Draw) -> Draw:
        SHEET[draw.__name__] = words, programs, draw
        return draw

    return add


def picture(name: str) -> Image.Image | None:
    """Return a picture, or None where a program that it needs is missing."""
    _, programs, draw = SHEET[name]
    if not all(map(shutil.which, programs)):
        return None
    with tempfile.TemporaryDirectory() as folder:
        return draw(Path(folder))


@cache
def fits() -> Any:
    """Crime and police, by three estimators."""
    crime = result_images.crime()
    formulas = [
        "lcrmrte ~ lpolpc + W(lcrmrte) + ldensity + prbarr + prbconv",
        "lpolpc ~ lcrmrte + W(lpolpc) + ldensity + taxpc + mix",
    ]
    W = result_images.ninety()
    system = sp.models.SpatialSystem(formulas, crime, W, effects=("unit", "time"), error="W")
    return {name: system.fit(name.lower()) for name in ("2SLS", "3SLS", "GS3SLS")}


def _table(**options: Any) -> Any:
    labels = {"lcrmrte": "Crime", "lpolpc": "Police", "ldensity": "Density", "taxpc": "Taxes", "mix": "Mix"}
    labels |= {"prbarr": "Arrests", "prbconv": "Convictions"}
    return sp.regression_table(fits(), labels=labels, title="Crime and police", **options)


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _page(folder: Path, pdf: str) -> Image.Image:
    """Return the first page of a document without its white margin."""
    _run(folder, "pdftoppm", "-r", "110", "-l", "1", "-png", pdf, "page")
    image = Image.open(next(folder.glob("page*.png"))).convert("RGB")
    box = ImageChops.difference(image, Image.new("RGB", image.size, "white")).getbbox()
    assert box is not None, "the page is empty"
    left, upper, right, lower = box
    return image.crop((left - 12, upper - 12, right + 12, min(lower + 12, image.height)))


def _word(table: Any, folder: Path) -> Image.Image:
    table.to_docx(folder / "table.docx")
    home = f"-env:UserInstallation=file://{folder}/office"
    _run(folder, "soffice", home, "--headless", "--convert-to", "pdf", "table.docx")
    return _page(folder, "table.pdf")


@shown("A table in Word, split by outcome where it is wide", *_WORD)
def table_word(folder: Path) -> Image.Image:
    return _word(_table(show="se"), folder)


@shown("The same for Economic Research Journal, in Chinese", *_WORD)
def table_jjyj(folder: Path) -> Image.Image:
    return _word(_table(style="jjyj", effects_rows=True), folder)


@shown("The same in LaTeX, for the American Economic Review", *_LATEX)
def table_latex(folder: Path) -> Image.Image:
    page = r"\documentclass{article}\usepackage[a4paper,margin=2.5cm]{geometry}\pagestyle{empty}"
    text = f"{page}{PACKAGES}\\begin{{document}}{_table(style='aer').to_latex()}\\end{{document}}"
    (folder / "table.tex").write_text(text, encoding="utf-8")
    _run(folder, "xelatex", "-interaction=batchmode", "table.tex")
    return _page(folder, "table.pdf")


def _report(folder: Path, size: str, *flags: str, lang: str = "en") -> Image.Image:
    nc, crime = sp.read_cities("nc"), result_images.crime()
    sp.explore(nc, crime, ["crmrte", "polpc"], result_images.ninety(), folder / "report.html", lang=lang)
    _run(
        folder, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--window-size={size}", "--virtual-time-budget=4000", "--screenshot=report.png", *flags,
        "report.html",
    )  # fmt: skip
    return Image.open(folder / "report.png").convert("RGB").copy()


@shown("The report", *_BROWSER)
def report(folder: Path) -> Image.Image:
    return _report(folder, "1280,900")


@shown("The report on dark paper, in Chinese", *_BROWSER)
def report_dark(folder: Path) -> Image.Image:
    return _report(folder, "1280,900", "--blink-settings=preferredColorScheme=0", lang="zh")


@shown("The report on a phone", *_BROWSER)
def report_phone(folder: Path) -> Image.Image:
    return _report(folder, "500,1000")


@shown("The report on paper", *_BROWSER, "pdftoppm")
def report_print(folder: Path) -> Image.Image:
    _report(folder, "1280,900")
    _run(
        folder, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
        "--virtual-time-budget=4000", "--print-to-pdf=report.pdf", "report.html",
    )  # fmt: skip
    return _page(folder, "report.pdf")
