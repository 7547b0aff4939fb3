"""Pyramids of tiles: where they lie, what their pixels are at each zoom, and the page that shows them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser.chromium import Page, browser
from PIL import Image

import spatial as sp
from spatial.errors import DataError, SpatialWarning
from spatial.figures.classes import build_classes
from spatial.figures.palette import cluster_color, color
from spatial.maps.raster.pyramid import mercator


def scattered(n: int = 6000) -> tuple[pd.Series, Any]:
    """Return values of places from 100 E to 112 E and from 28 N to 38 N; some have none."""
    rng = np.random.default_rng(0)
    x = pd.Series(rng.normal(size=n) + np.arange(n) / n, name="x <y>")
    x[::17] = np.nan
    return x, sp.points(rng.uniform(100, 112, n), rng.uniform(28, 38, n))


def rgb(shade: str) -> tuple[int, ...]:
    return tuple(int(shade[k : k + 2], 16) for k in (1, 3, 5))


def drawn(folder: Path, z: int) -> dict[tuple[int, int], tuple[int, ...]]:
    """Return the colours of all pixels of a zoom that are not transparent, by column and row."""
    found = {}
    for file in (folder / str(z)).glob("*/*.png"):
        with Image.open(file) as picture:
            pixels = np.asarray(picture.convert("RGBA"))
        assert pixels.shape == (256, 256, 4)
        left, top = 256 * int(file.parent.name), 256 * int(file.stem)
        for i, j in np.argwhere(pixels[..., 3] > 0):
            found[left + int(j), top + int(i)] = tuple(int(c) for c in pixels[i, j, :3])
    return found


def about(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    match = re.search(r'id="pyramid">(.*?)</script>', text)
    assert match is not None
    found: dict[str, Any] = json.loads(match[1])
    return found


def test_places_are_in_the_tiles_of_web_maps() -> None:
    """The documentation of mercantile: the upper left corner of tile 486, 332 of zoom 10."""
    u, v = mercator(np.array([-9.140625]), np.array([53.33087298301705]))
    assert u[0] * 1024 == pytest.approx(486, abs=1e-9)
    assert v[0] * 1024 == pytest.approx(332, abs=1e-9)


def test_a_pixel_of_each_zoom_is_the_mean_of_its_units(tmp_path: Path) -> None:
    x, places = scattered()
    page = sp.map_raster(x, places, tmp_path, tiles=True, width=60, k=4)
    zoom = about(page)["zoom"]
    assert zoom == 3  # 68 columns; at zoom 2 there were 34
    classes = build_classes(x.to_numpy(), None, 4)
    shades = [rgb(shade) for shade in (*classes.colors(), color("hatch"))]
    u, v = mercator(places.x, places.y)
    for z in range(zoom + 1):
        size = 256 << z
        by = x.groupby([(u * size).astype(int), (v * size).astype(int)])
        codes = classes.codes(by.mean().to_numpy())
        found = drawn(tmp_path, z)
        assert set(found) == set(by.mean().index)
        # A sum in another order may fall on the other side of a bound: none does here.
        assert [found[place] for place in by.mean().index] == [shades[code] for code in codes]
        tiles = {(int(f.parent.name), int(f.stem)) for f in (tmp_path / str(z)).glob("*/*.png")}
        listed = about(page)["tiles"][z].items()
        runs = {
            (int(c), y)
            for c, r in listed
            for a, b in zip(r[::2], r[1::2], strict=True)
            for y in range(a, b + 1)
        }
        assert tiles == runs
    text = page.read_text(encoding="utf-8")
    assert "x &lt;y&gt;" in text
    assert f"No data ({int(x.isna().sum())})" in text
    assert all(label in text for label in classes.legend(classes.codes(x.to_numpy())))


def test_tiles_of_a_local_statistic_have_the_cluster_of_most_units(tmp_path: Path) -> None:
    x, places = scattered(900)
    x = x.fillna(0.0)
    W = sp.weights.knn(places, 6).row_standardized()
    local = sp.local_moran(x, W, permutations=99)
    page = sp.map_raster(local, places, tmp_path, tiles=True, width=40, lang="zh")
    u, v = mercator(places.x, places.y)
    size = 256 << about(page)["zoom"]
    cluster = local.frame["cluster"].astype(str)
    found = drawn(tmp_path, about(page)["zoom"])
    for place, part in cluster.groupby([(u * size).astype(int), (v * size).astype(int)]):
        count = part.value_counts()
        assert found[place] in {rgb(cluster_color(kind)) for kind in count.index[count == count.max()]}
    text = page.read_text(encoding="utf-8")
    assert "全图" in text
    assert "高-高" in text


def test_tiles_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Tiles lie on the earth"):
        sp.map_raster(pd.Series(np.arange(6.0)), (2, 3), tmp_path, tiles=True)
    poles = sp.points([0.0, 10.0, 20.0], [89.0, 0.0, 10.0])
    with pytest.warns(SpatialWarning, match="1 units lie beyond 85"):
        sp.map_raster(pd.Series([1.0, 2.0, 3.0]), poles, tmp_path, tiles=True)


@pytest.mark.browser
def test_the_page_is_zoomed_and_dragged_without_a_server(tmp_path: Path) -> None:
    x, places = scattered()
    file = sp.map_raster(x, places, tmp_path / "map", tiles=True, width=400)

    def inked(page: Page) -> int:
        page.settle()
        page.wait("document.body.dataset.ready === 'yes'")
        page.screenshot(tmp_path / "seen.png")
        box = page.box("#map")
        with Image.open(tmp_path / "seen.png") as picture:
            scale = picture.width / width
            shown = np.asarray(picture.convert("RGB"))
        right, bottom = (int(scale * (box[a] + box[b])) for a, b in (("left", "width"), ("top", "height")))
        return int((shown[:bottom, int(60 * scale) : right] < 250).any(axis=2).sum())

    for width, mobile in ((1280, False), (390, True)):
        with browser(tmp_path / f"browser{width}") as page:
            page.resize(width, 800, mobile=mobile)
            page.open(file)
            before = inked(page)
            assert before > 1000
            page.js("document.querySelector('#closer').click()")
            assert inked(page) > before
            page.js("document.activeElement.blur()")
            page.drag((150, 300), (1500, 300))
            assert inked(page) < before
            page.js("document.querySelector('#all').click()")
            page.js("document.activeElement.blur()")  # or its outline would be ink
            assert inked(page) == before
            assert page.js("document.documentElement.scrollWidth") <= width
            assert not page.problems
            assert all(request.startswith("file:") for request in page.requests)
