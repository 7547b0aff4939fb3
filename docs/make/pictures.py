"""Draw the pictures of the pages from data that ship, in either language.

python docs/make/pictures.py                # docs/images/pages/*.png
python docs/make/pictures.py zh             # docs/zh/images/{pages,gallery}: made for the Chinese edition, not kept
python docs/make/pictures.py en first_map   # one of them
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent
sys.path.insert(0, str(DOCS))

import make_images
import matplotlib
import numpy as np
import pandas as pd
import simulation_page
from captions import CAPTIONS, CELL_WORDS, GALLERY_LABELS, LABELS, SAID
from examples import births, crime, policy, system_fit
from matplotlib.figure import Figure

import spatial as sp
from spatial import figures, maps
from spatial.figures.canvas import root_figure, style
from spatial.figures.style.fonts import apply_fonts

PICTURES: dict[str, Callable[[str], Any]] = {}


def picture(draw: Callable[[str], Any]) -> Callable[[str], Any]:
    """Put a picture on the list: a function of the language that returns Axes or a figure."""
    PICTURES[draw.__name__] = draw
    return draw


def said(key: str, lang: str) -> str:
    """Return the words in a language."""
    return SAID[key][lang == "zh"]


# ---- learn
@picture
def first_map(lang: str) -> Any:
    nc, share, _ = births()
    return sp.map_values(nc, share.rename(said("share", lang)), lang=lang, title=said("births", lang))


@picture
def first_links(lang: str) -> Any:
    nc, _, W = births()
    return W.plot(nc, lang=lang)


@picture
def first_scatter(lang: str) -> Any:
    nc, share, W = births()
    name = said("share", lang)
    return sp.moran_scatter(sp.moran(share.rename(name), W), labels=nc["name"], lang=lang)


@picture
def first_clusters(lang: str) -> Any:
    nc, share, W = births()
    return sp.map_clusters(sp.local_moran(share.rename(said("share", lang)), W), nc, lang=lang)


@picture
def first_years(lang: str) -> Any:
    counties, panel, _ = crime()
    labels = sp.shapefiles.labels("nc_crime", lang)
    return sp.small_multiples(counties, sp.Panel(panel.frame, labels), "crmrte", lang=lang)


@picture
def system_coefficients(lang: str) -> Any:
    fits = {m.upper(): system_fit(m) for m in ("gs3sls", "2sls")}
    return sp.coefficient_plot(
        fits, equation="log(crmrte)", labels=LABELS[lang], title=said("compare", lang), lang=lang
    )


@picture
def system_effects(lang: str) -> Any:
    found = system_fit("gs3sls").impacts(draws=200, seed=1)
    return sp.impacts_plot(
        found, outcome="log(crmrte)", labels=LABELS[lang], title=said("effects", lang), lang=lang
    )


@picture
def system_map(lang: str) -> Any:
    counties, panel, _ = crime()
    return sp.map_values(
        counties, panel.at(1987)["crmrte"].rename(said("crime", lang)), lang=lang, title=said("crime", lang)
    )


@picture
def weak_set(lang: str) -> Any:
    formula = "log(crmrte) ~ log(prbarr) + log(density) | unit + time | log(polpc) ~ log(taxpc) + log(mix)"
    return sp.models.fixed_effects(formula, crime()[1]).anderson_rubin().plot(lang=lang)


# ---- understand
@picture
def identification(lang: str) -> Any:
    """The 2SLS criterion over two slopes: a ridge without own variables, a bowl with one in each."""
    grid_b, grid_l = np.meshgrid(np.linspace(-1.5, 2.5, 90), np.linspace(-1.5, 2.5, 90))
    figure = _figure(8.4, 3.7)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, own in zip(axes, (False, True), strict=True):
        surface = _criterion(grid_b, grid_l, own)
        levels = np.quantile(surface, [0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.8])
        ax.contourf(grid_b, grid_l, surface, [surface.min(), *levels], cmap="GnBu_r")
        ax.contour(grid_b, grid_l, surface, levels, colors="#4a5560", linewidths=0.5)
        ax.plot(0.3, 0.4, "o", color="#d9640f", label=said("truth", lang))
        ax.set_title(said("bowl" if own else "ridge", lang), fontsize=9, loc="left")
        ax.set_xlabel(said("slope", lang))
    axes[0].set_ylabel(said("lag", lang))
    axes[1].legend(frameon=False, loc="upper right")
    return figure


def _criterion(b: Any, lam: Any, own: bool, n: int = 2000, seed: int = 3) -> Any:
    """Distance of the moments from zero, r'P r / r'r, where the exogenous slopes are fitted."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(size=(n, 2))
    from scipy.spatial import cKDTree

    near = cKDTree(points).query(points, 6)[1][:, 1:]
    x = rng.normal(size=(n, 3))
    y = np.zeros((n, 2))
    slopes = np.array([[1.0, 0.5, 0.0 if own else 0.4], [0.5 * (not own), 0.5, 0.8]])
    errors = rng.normal(0, 0.5, (n, 2))
    for _ in range(60):  # the reduced form by iteration: the system is stable
        lag = y[near].mean(axis=1)
        y = y[:, ::-1] * [0.3, 0.2] + lag * 0.4 + x @ slopes.T + errors
    lag, lag_x = y[near].mean(axis=1), x[near].mean(axis=1)
    Q, _ = np.linalg.qr(np.column_stack([x, lag_x, lag_x[near].mean(axis=1)]))
    E, _ = np.linalg.qr(x[:, :2] if own else x)
    Y = np.column_stack([y, lag])  # y1, y2, W y1, W y2
    A = Y - E @ (E.T @ Y)
    A = (Q.T @ A).T @ (Q.T @ A)
    w = np.stack([np.ones_like(b), -b, -lam])
    own_part = np.einsum("i...,ij,j...->...", w, A[:3, :3], w)
    cross = np.einsum("i...,i->...", w, A[:3, 3])  # the slope of W y2 is whatever fits best
    return np.sqrt(np.maximum(own_part - cross**2 / A[3, 3], 0) / n)


@picture
def covariances(lang: str) -> Any:
    _, panel, _ = crime()
    counties = crime()[0]
    formula = "log(crmrte) ~ log(prbarr) + log(prbconv) + log(density)"
    kinds = {
        "hom": "hom",
        "unit": "cluster",
        "conley": sp.models.Conley(200, 1, coordinates=counties),
        "twoway": "twoway",
    }
    fits = {
        said(k, lang): sp.models.fixed_effects(formula, panel, cov=c).tidy().iloc[:2]
        for k, c in kinds.items()
    }
    return sp.coefficient_plot(fits, labels=LABELS[lang], title=said("covariances", lang), lang=lang)


@picture
def multiple(lang: str) -> Any:
    nc, share, W = births()
    figure = _figure(8.6, 2.5)
    axes = figure.subplots(1, 2)
    for ax, fdr in zip(axes, (False, True), strict=True):
        local = sp.local_moran(share.rename(said("share", lang)), W, fdr=fdr)
        sp.map_clusters(local, nc, ax=ax, lang=lang, title=said("fdr" if fdr else "plain", lang))
    return figure


@picture
def distances(lang: str) -> Any:
    """One degree of longitude is 111 km at the equator and 58 km in Heihe."""
    china = sp.shapefiles.load("china_cities")
    figure = _figure(4.6, 3.4)
    ax = figure.subplots()
    latitude = np.linspace(18, 54, 100)
    ax.plot(latitude, 111.195 * np.cos(np.radians(latitude)), color="#1b5fa8")
    for name, label in (("Sanya", "三亚"), ("Guangzhou", "广州"), ("Beijing", "北京"), ("Heihe", "黑河")):
        y = float(china.loc[china["name_en"] == name, "lat"].iloc[0])
        ax.plot(y, 111.195 * np.cos(np.radians(y)), "o", color="#d9640f")
        ax.annotate(
            label if lang == "zh" else name,
            (y, 111.195 * np.cos(np.radians(y))),
            (5, 5),
            textcoords="offset points",
        )
    ax.set_ylim(60, 112)
    ax.set_xlabel("纬度（度）" if lang == "zh" else "Latitude, degrees")
    ax.set_ylabel("一经度的长度（公里）" if lang == "zh" else "One degree of longitude, km")
    return figure


@picture
def joint(lang: str) -> Any:
    """Coverage of 95 % intervals of the spatial lag, from the file of the package's own simulation."""
    found = simulation_page.covers(pd.read_csv(DOCS / "simulation_grid.csv"))
    found = found[found["GS3SLS, WX: W(y1)"].notna()].reset_index(drop=True)
    figure = _figure(6.6, 0.2 * len(found) + 0.8)
    ax = figure.subplots()
    for column, colour, name in (
        ("GS3SLS, WX and W2X: W(y1)", "#8b9198", said("two_lags", lang)),
        ("GS3SLS, WX: W(y1)", "#d9640f", said("one_lag", lang)),
        ("aqs: W(y1)", "#1b5fa8", "aqs"),
    ):
        ax.plot(found[column], found.index, "o", ms=4, color=colour, label=name)
    names = [_in_words(cell, lang) for cell in found["cell"]]
    ax.set_yticks(found.index, names)
    ax.invert_yaxis()
    ax.axvline(0.95, color="#8b9198", lw=0.8)
    ax.set_xlim(0, 1)
    ax.set_xlabel(said("coverage", lang))
    ax.legend(frameon=False, loc="lower left")
    return figure


def _in_words(cell: str, lang: str) -> str:
    """Return the name of a cell of the simulation in a language."""
    if lang == "zh":
        for english, chinese in CELL_WORDS:
            cell = cell.replace(english, chinese)
    return cell


@picture
def spillovers(lang: str) -> Any:
    panel, cities = policy()
    method = "borusyak-jaravel-spiess"
    alone = sp.models.did(panel, "y", "first", method=method)
    rings = sp.models.did(panel, "y", "first", method=method, rings=[0, 60], cities=cities)
    frames = {}
    for name, fit in (("alone", alone), ("rings", rings)):
        row = fit.tidy().query("term == 'ATT'").assign(term=said("att", lang))
        frames[said(name, lang)] = row
    axes = sp.coefficient_plot(frames, lang=lang)
    axes.axvline(1.0, color="#d9640f", lw=1, ls="--")
    return axes


# ---- files
def _figure(width: float, height: float) -> Any:
    return Figure(figsize=(width, height), layout="constrained")


def made(name: str, lang: str) -> Figure:
    """Return a picture of the pages, with fonts for what is written on it."""
    rc: Any = style()
    with matplotlib.rc_context(rc):
        drawn = PICTURES[name](lang)
        figure: Figure = drawn if isinstance(drawn, Figure) else root_figure(drawn)
        apply_fonts(figure)
    return figure


def _save(axes: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sp.save_figure(axes, path, dpi=110)
    make_images._smaller(path)


@cache
def _chinese_data(name: str) -> Any:
    """Return what the gallery draws, with the share of births named in Chinese."""
    if name == "share":
        return births()[1].rename(said("share", "zh"))
    if name == "local":
        share, queen = _chinese_data("share"), _chinese_data("queen")
        return sp.local_moran(share, queen, permutations=999, keep_simulations=True)
    return make_images._Data.get(name)


@contextmanager
def in_chinese() -> Iterator[None]:
    """Let every figure and map that takes a language draw in Chinese, of columns with Chinese names."""
    changed: list[tuple[Any, str, Any]] = []
    for name, chinese in (("_LABELS", GALLERY_LABELS), ("data", _chinese_data)):
        changed.append((make_images, name, getattr(make_images, name)))
        setattr(make_images, name, chinese)
    for room in (sp, figures, maps):
        for name in room.__all__:
            found = getattr(room, name)
            if inspect.isfunction(found) and found.__module__.startswith(("spatial.figures", "spatial.maps")):
                words = inspect.signature(found).parameters
                if "lang" in words or any(p.kind is p.VAR_KEYWORD for p in words.values()):
                    changed.append((room, name, vars(room).get(name)))
                    setattr(room, name, partial(found, lang="zh"))
    try:
        yield
    finally:
        for room, name, before in changed:
            if before is None:
                delattr(room, name)
            else:
                setattr(room, name, before)


def draw(lang: str, names: list[str]) -> None:
    """Draw the pictures of the pages; in Chinese, those of the gallery too."""
    folder = DOCS / ("zh/images" if lang == "zh" else "images")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in PICTURES:
            if not names or name in names:
                _save(made(name, lang).axes[0], folder / "pages" / f"{name}.png")
        if lang == "zh":
            chinese_gallery()
            with in_chinese():
                for name, (_, make_gallery) in make_images.SHEET.items():
                    if not names or name in names:
                        _save(make_gallery(), folder / "gallery" / f"{name}.png")


def chinese_gallery() -> None:
    """Write the page of the Chinese gallery; a picture without a Chinese caption keeps its English one."""
    page = ["# 图库", "", "全部图与地图，都由脚本用自带数据画成；颜色、字体和四周的文字处处一致。", ""]
    for name, (words, _) in make_images.SHEET.items():
        page += make_images.entry(name, CAPTIONS.get(name, words), "代码")
    page += ["## 表与报告", "", "![中文三线表](../images/table.zh.png)", ""]
    page += [
        "![经济研究格式的表](../images/gallery/table_jjyj.png)",
        "",
        "![中文报告](../images/report.zh.png)",
        "",
    ]
    page += ["![深色底的中文报告](../images/gallery/report_dark.png)", ""]
    page += ["下一步：[第一张地图](learn/first_map.md)。"]
    (DOCS / "zh" / "gallery.md").write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    given = sys.argv[1:]
    draw(given[0] if given else "en", given[1:])
