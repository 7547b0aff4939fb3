"""Fonts: no character becomes a box, with and without Chinese fonts, whatever matplotlib's cache knows.

A font with a few Chinese glyphs is built here, so that each case is tested anywhere.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import matplotlib.font_manager as fm
import pytest
from matplotlib.figure import Figure
from small_font import build_font

import spatial as sp
from spatial.errors import SpatialWarning
from spatial.figures import save_figure
from spatial.figures.style import fonts

CHARACTERS = "北京上海高低不显著莫兰指数的空间滞后标准化变量（）"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has nothing but what matplotlib brings: DejaVu and, from 3.11, the font of boxes."""
    own = [e for e in fm.fontManager.ttflist if e.name == "DejaVu Sans" or e.name.startswith("Last Resort")]
    monkeypatch.setattr(fm.fontManager, "ttflist", own)
    monkeypatch.setattr(fm, "findSystemFonts", lambda *_args, **_options: [])
    monkeypatch.setattr(fonts, "_warned", set())
    fm.fontManager._findfont_cached.cache_clear()
    yield
    fm.fontManager._findfont_cached.cache_clear()


@pytest.fixture
def chinese(bare: None, tmp_path: Path) -> Path:  # noqa: ARG001
    """The bare machine with one small Chinese font."""
    path = build_font(tmp_path / "small.ttf", "SimHei", CHARACTERS)
    fm.fontManager.addfont(path)
    return path


def drawn_with(text: str, families: list[str]) -> set[str]:
    """Return the fonts that matplotlib embeds in a PDF file of `text`."""
    figure, file = Figure(), io.BytesIO()
    figure.text(0.1, 0.5, text, fontfamily=families)
    with matplotlib.rc_context({"pdf.compression": 0, "pdf.fonttype": 42}):
        figure.savefig(file, format="pdf")
    return {name.decode() for name in re.findall(rb"/BaseFont /(?:[A-Z]{6}\+)?([\w-]+)", file.getvalue())}


# ---- no font
@pytest.mark.usefixtures("bare")
def test_a_bare_machine_draws_chinese_without_boxes_and_without_a_warning() -> None:
    families = fonts.families_for("北京：莫兰指数 I（标准化）")
    assert families == ["DejaVu Sans", "Spatial Han"]
    assert drawn_with("北京：莫兰指数（）", families) == {"SpatialHan"}
    assert drawn_with("北京 I", families) == {"SpatialHan", "DejaVuSans"}
    assert drawn_with("I−≤’“·…", families) == {"DejaVuSans"}  # never Latin signs as wide as a character


@pytest.mark.usefixtures("bare")
def test_the_font_of_boxes_is_no_chinese_font() -> None:
    entry = fm.FontEntry(fname="/nowhere/LastResort.ttf", name="Last Resort High-Efficiency")
    fm.fontManager.ttflist.append(entry)
    with pytest.warns(SpatialWarning, match="apt install fonts-noto-cjk"):
        assert not any("Last Resort" in name for name in fonts.families_for("𠮷"))


def test_the_shipped_font_has_every_name_and_word_that_ships() -> None:
    have = fonts._codes_of_file(str(fonts._OWN), 0)
    cells = [bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    level1 = [c for c in (cell.decode("gb2312", errors="ignore") for cell in cells) if c]
    assert len(level1) == 3755  # GB 2312-80
    names = "".join(sp.shapefiles.load("china_cities")[["name", "province"]].to_numpy().ravel())
    sources = [*(ROOT / "spatial").rglob("*.py"), *(ROOT / "shapefiles").rglob("*.csv")]
    words = "".join(path.read_text(encoding="utf-8") for path in sources)
    chinese = {c for c in [*level1, *names, *words, *"亳儋圳泸漯濮莞衢"] if "\u4e00" <= c <= "\u9fff"}
    assert {c for c in chinese if ord(c) not in have} == set()
    assert fonts._OWN.stat().st_size < 1_500_000
    assert "SIL OPEN FONT LICENSE Version 1.1" in (fonts._OWN.parent / "OFL.txt").read_text()


@pytest.mark.usefixtures("bare")
def test_what_no_font_has_is_one_warning_that_names_what_to_install() -> None:
    with pytest.warns(SpatialWarning, match="apt install fonts-noto-cjk") as caught:
        fonts.families_for("北京𠮷")
    assert len(caught) == 1
    assert "𠮷 (1 in all)" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fonts.families_for("𠮷")  # once a process is enough


@pytest.mark.parametrize("mine", ["sans-serif", "SimHei"])
@pytest.mark.usefixtures("chinese")
def test_bold_chinese_prints_nothing_where_the_font_has_one_weight(
    mine: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("上海", "上海亳"):  # from the small font, and from the shipped one beside it
        with matplotlib.rc_context({"font.family": [mine]}), fonts.font_context(text):
            axes = Figure().subplots()
            axes.set_title(text, fontweight="bold")
            axes.figure.savefig(tmp_path / "a.png")
    assert [record.getMessage() for record in caplog.records] == []
    assert fm.findfont(fm.FontProperties(family=["SimHei"], weight="bold")).endswith("small.ttf")


# ---- a stale cache
@pytest.mark.usefixtures("bare")
def test_a_font_newer_than_matplotlibs_cache_is_found_and_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build_font(tmp_path / "new.ttf", "Noto Sans CJK SC", CHARACTERS)
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"not a font")
    monkeypatch.setattr(fm, "findSystemFonts", lambda *_args, **_options: [str(broken), str(path)])
    assert fonts.families_for("北京")[-1] == "Noto Sans CJK SC"


def test_a_font_file_that_is_gone_has_no_characters(chinese: Path) -> None:
    fonts._codes_of_file.cache_clear()
    chinese.unlink()
    assert fonts._codes_of_file(str(chinese), 0) == frozenset()
    fonts._codes_of_file.cache_clear()


# ---- no cache
@pytest.mark.slow
def test_a_first_process_without_matplotlibs_cache_draws_chinese(tmp_path: Path) -> None:
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "from matplotlib.figure import Figure\n"
        "from spatial.figures.style.fonts import families_for, font_context\n"
        "with font_context('深圳市 GDP') as families:\n"
        "    axes = Figure().subplots(); axes.set_title('深圳市 GDP')\n"
        f"axes.figure.savefig({str(tmp_path / 'a.png')!r})\n"
        "print(families)"
    )
    environment = {**os.environ, "MPLCONFIGDIR": str(tmp_path), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert not any("Last Resort" in line for line in done.stdout.splitlines())
    assert (tmp_path / "a.png").stat().st_size > 0


# ---- fonts that are there
@pytest.mark.usefixtures("chinese")
def test_latin_text_needs_no_chinese_font() -> None:
    assert fonts.families_for("Moran's I = −0.5") == ["DejaVu Sans"]


@pytest.mark.usefixtures("chinese")
def test_a_font_is_found_by_its_characters() -> None:
    assert fonts.families_for("北京 GDP") == ["DejaVu Sans", "SimHei"]
    assert fonts.missing_characters("北京", ["DejaVu Sans"]) == {"北", "京"}
    assert fonts.missing_characters("北京", ["DejaVu Sans", "SimHei"]) == set()


@pytest.mark.usefixtures("chinese")
def test_preferred_fonts_come_first(tmp_path: Path) -> None:
    fm.fontManager.addfont(build_font(tmp_path / "noto.ttf", "Noto Sans CJK SC", CHARACTERS))
    fm.fontManager.addfont(build_font(tmp_path / "arial.ttf", "Arial", "abc"))
    assert fonts.families_for("上海") == ["Arial", "DejaVu Sans", "Noto Sans CJK SC"]


@pytest.mark.usefixtures("chinese")
def test_rare_characters_come_from_any_font_that_has_them(tmp_path: Path) -> None:
    fm.fontManager.addfont(build_font(tmp_path / "rare.ttf", "Rare", "𠮷"))
    assert fonts.families_for("北京 𠮷") == ["DejaVu Sans", "SimHei", "Spatial Han", "Rare"]


@pytest.mark.usefixtures("chinese")
def test_a_family_that_the_user_set_comes_first(tmp_path: Path) -> None:
    fm.fontManager.addfont(build_font(tmp_path / "arial.ttf", "Arial", "abc"))
    with matplotlib.rc_context({"font.sans-serif": ["Not There", "SimHei", "DejaVu Sans"]}):
        assert fonts.families_for("北京") == ["SimHei", "DejaVu Sans"]
    with matplotlib.rc_context({"font.family": ["Arial"]}):
        assert fonts.families_for("x") == ["Arial", "DejaVu Sans"]


@pytest.mark.usefixtures("chinese")
def test_text_made_in_the_context_is_drawn_outside_it(tmp_path: Path) -> None:
    with fonts.font_context("北京"):
        axes = Figure().subplots()
        axes.set_xlabel("北京")
    axes.figure.savefig(tmp_path / "a.png")  # a missing glyph would be a warning, and so an error
    assert matplotlib.rcParams["font.family"] == ["sans-serif"]


@pytest.mark.usefixtures("chinese")
def test_axes_made_before_get_the_fonts_too(tmp_path: Path) -> None:
    axes = Figure().subplots()
    axes.set_title("上海")
    fonts.apply_fonts(axes)
    axes.set_xticks([0, 1], ["北", "京"])  # ticks made later
    axes.set_xlabel("海")
    axes.figure.savefig(tmp_path / "a.png")
    assert axes.title.get_fontfamily()[-1] == "SimHei"


@pytest.mark.usefixtures("chinese")
def test_a_family_of_one_text_stays_first() -> None:
    axes = Figure().subplots()
    axes.set_title("上海", fontfamily="DejaVu Sans")
    fonts.apply_fonts(axes)
    families = axes.title.get_fontfamily()
    assert (families[0], families[-1]) == ("DejaVu Sans", "SimHei")


@pytest.mark.usefixtures("bare")
def test_without_a_font_a_figure_is_still_written_quietly(tmp_path: Path) -> None:
    with pytest.warns(SpatialWarning, match="No installed font"):
        families = fonts.families_for("𠮷")
    axes = Figure().subplots()
    axes.set_title("𠮷", fontfamily=families)
    assert save_figure(axes, tmp_path / "boxes.png").stat().st_size > 0


def test_a_title_in_part_of_a_face_without_bold_is_upright_throughout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fonts, "HAN", ())
    families = fonts.families_for("图A1 2023")
    assert "Spatial Han" in families
    assert fonts.bold_weight("图A1 2023", families) == "normal"
    assert fonts.bold_weight("Figure A1", families) == "bold"
