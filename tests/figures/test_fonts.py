"""Fonts: found by the characters they have, on machines with and without Chinese fonts.

A font with a few Chinese glyphs is built here, so that both cases are tested anywhere.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import matplotlib.font_manager as fm
import pytest
from matplotlib.figure import Figure
from small_font import build_font

from spatial.errors import SpatialWarning
from spatial.figures import fonts, save_figure

CHARACTERS = "北京上海高低不显著莫兰指数的空间滞后标准化变量（）"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has nothing but matplotlib's own DejaVu."""
    own = [entry for entry in fm.fontManager.ttflist if entry.name == "DejaVu Sans"]
    monkeypatch.setattr(fm.fontManager, "ttflist", own)
    monkeypatch.setattr(fm, "findSystemFonts", lambda *_args, **_options: [])
    monkeypatch.setattr(fonts, "_warned", set())
    fm.fontManager._findfont_cached.cache_clear()
    yield
    fm.fontManager._findfont_cached.cache_clear()


@pytest.fixture
def chinese(bare: None, tmp_path: Path) -> Path:  # noqa: ARG001
    """The bare machine with one small Chinese font."""
    path = build_font(tmp_path / "small.ttf", "Small Chinese", CHARACTERS)
    fm.fontManager.addfont(path)
    return path


@pytest.mark.usefixtures("chinese")
def test_latin_text_keeps_the_fonts_in_use() -> None:
    assert fonts.families_for("Moran's I = −0.5") == list(matplotlib.rcParams["font.family"])


@pytest.mark.usefixtures("chinese")
def test_a_font_is_found_by_its_characters() -> None:
    assert fonts.families_for("北京 GDP") == [*matplotlib.rcParams["font.family"], "Small Chinese"]
    assert fonts.missing_characters("北京", ["DejaVu Sans"]) == {"北", "京"}
    assert fonts.missing_characters("北京", ["DejaVu Sans", "Small Chinese"]) == set()


@pytest.mark.usefixtures("chinese")
def test_preferred_fonts_come_first(tmp_path: Path) -> None:
    fm.fontManager.addfont(build_font(tmp_path / "noto.ttf", "Noto Sans CJK SC", CHARACTERS))
    assert fonts.families_for("上海")[-1] == "Noto Sans CJK SC"


@pytest.mark.usefixtures("chinese")
def test_rare_characters_come_from_a_second_font(tmp_path: Path) -> None:
    fm.fontManager.addfont(build_font(tmp_path / "rare.ttf", "Rare", "亳儋"))
    assert fonts.families_for("北京 亳")[1:] == ["Small Chinese", "Rare"]


@pytest.mark.usefixtures("bare")
def test_no_font_is_one_warning_that_names_what_to_install() -> None:
    with pytest.warns(SpatialWarning, match="apt install fonts-noto-cjk") as caught:
        assert fonts.families_for("北京") == list(matplotlib.rcParams["font.family"])
    assert len(caught) == 1
    assert "京北" in str(caught[0].message)
    assert "(2 in all)" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fonts.families_for("上海")  # once a process is enough


@pytest.mark.usefixtures("bare")
def test_a_font_newer_than_matplotlibs_cache_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build_font(tmp_path / "new.ttf", "Just Installed", CHARACTERS)
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"not a font")
    monkeypatch.setattr(fm, "findSystemFonts", lambda *_args, **_options: [str(broken), str(path)])
    assert fonts.families_for("北京")[-1] == "Just Installed"


def test_a_font_file_that_is_gone_has_no_characters(chinese: Path) -> None:
    fonts._codes_of_file.cache_clear()
    chinese.unlink()
    assert fonts._codes_of_file(str(chinese), 0) == frozenset()
    fonts._codes_of_file.cache_clear()


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
    assert axes.title.get_fontfamily()[-1] == "Small Chinese"


@pytest.mark.usefixtures("chinese")
def test_a_family_chosen_by_the_user_stays_first() -> None:
    axes = Figure().subplots()
    axes.set_title("上海", fontfamily="DejaVu Sans")
    fonts.apply_fonts(axes)
    families = axes.title.get_fontfamily()
    assert (families[0], families[-1]) == ("DejaVu Sans", "Small Chinese")


@pytest.mark.usefixtures("bare")
def test_without_a_font_a_figure_is_still_written_quietly(tmp_path: Path) -> None:
    with pytest.warns(SpatialWarning, match="No installed font"):
        families = fonts.families_for("北京")
    axes = Figure().subplots()
    axes.set_title("北京", fontfamily=families)
    assert save_figure(axes, tmp_path / "boxes.png").stat().st_size > 0
