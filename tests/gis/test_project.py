"""The QGIS project beside a GeoPackage: what it lists, by time, in which projection; and QGIS draws it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import spatial as sp
from spatial.errors import AlignmentError, DataError
from spatial.figures.palette import COLORS

IDS = [f"{110000 + 100 * k}" for k in range(16)]


@pytest.fixture
def cities() -> gpd.GeoDataFrame:
    shapes = [shapely.box(100 + k % 4, 30 + k // 4, 101 + k % 4, 31 + k // 4) for k in range(16)]
    columns = {"gdp": np.arange(16.0) ** 2, "名称": [f"城市{k}" for k in range(16)]}
    return gpd.GeoDataFrame(columns, geometry=shapes, index=pd.Index(IDS, name="adcode"), crs=4326)


def local(cities: Any, values: Any = None) -> Any:
    W = sp.weights.contiguity(cities).row_standardized()
    return sp.local_moran(cities["gdp"] if values is None else values, W, permutations=99)


def dated(cities: Any) -> dict[str, Any]:
    """Return what goes into a file with two dated layers, a panel, links, and a result that lacks units."""
    index = pd.MultiIndex.from_product([IDS, [2001, 2002]], names=["unit", "time"])
    part = sp.weights.contiguity(cities).subset(IDS[4:]).row_standardized()
    return {
        "one": local(cities),
        "two": local(cities, -cities["gdp"]),
        "residual": pd.DataFrame({"residual": np.arange(32.0)}, index=index),
        "links": sp.weights.contiguity(cities),
        "part": sp.local_moran(cities["gdp"].iloc[4:], part, permutations=99),
    }


def written(folder: Path, cities: Any, lang: str = "zh") -> Path:
    info = {
        "one": sp.LayerInfo(values=cities["gdp"], time=2001),
        "two": sp.LayerInfo(values=cities["gdp"], time=2002, title="反号"),
    }
    labels = {"gdp": "地区生产总值"}
    path = sp.write_layers(folder / "r.gpkg", cities, dated(cities), info=info, labels=labels, lang=lang)
    return Path(path)


def project(path: Path) -> ET.Element:
    with zipfile.ZipFile(path.with_suffix(".qgz")) as archive:
        (name,) = archive.namelist()
        return ET.fromstring(archive.read(name))


def groups(root: ET.Element) -> dict[str, list[str]]:
    tree = root.find("layer-tree-group")
    assert tree is not None
    found = {
        str(group.get("name")): [str(layer.get("name")) for layer in group.findall("layer-tree-layer")]
        for group in tree.findall("layer-tree-group")
    }
    return found | {"": [str(layer.get("name")) for layer in tree.findall("layer-tree-layer")]}


def test_layers_stand_by_time_the_last_first_and_shown(tmp_path: Path, cities: Any) -> None:
    root = project(written(tmp_path, cities))
    assert groups(root) == {
        "2002": ["反号", "residual, 2002"],
        "2001": ["地区生产总值的局部莫兰指数, 2001", "residual, 2001"],
        "": ["links 的空间连接", "地区生产总值的局部莫兰指数"],
    }
    shown = [e.get("name") for e in root.iter("layer-tree-layer") if e.get("checked") == "Qt::Checked"]
    assert shown == ["反号"]
    sources = {node.findtext("datasource") for node in root.findall("projectlayers/maplayer")}
    assert sources == {f"./r.gpkg|layername={name}" for name in dated(cities)}
    assert "Albers" in str(root.findtext("projectCrs/spatialrefsys/wkt"))
    assert root.findtext("projectCrs/spatialrefsys/description", "").startswith("阿尔伯斯等积圆锥投影")


def test_layers_carry_names_the_value_and_the_year(tmp_path: Path, cities: Any) -> None:
    path = written(tmp_path, cities)
    found = pyogrio.read_dataframe(path, layer="one")
    assert list(found.columns[:5]) == ["adcode", "name", "value", "year", "local_i"]
    assert found["name"].tolist() == cities["名称"].tolist()
    assert found["value"].tolist() == cities["gdp"].tolist()
    assert set(found["year"]) == {2001}
    bare = sp.write_layers(tmp_path / "b.gpkg", cities, {"x": cities["gdp"]}, attributes=())
    assert list(pyogrio.read_dataframe(bare, layer="x").columns) == ["adcode", "gdp", "geometry"]
    every = sp.write_layers(tmp_path / "c.gpkg", cities, {"x": cities["gdp"] * 2}, attributes="all")
    assert list(pyogrio.read_dataframe(every, layer="x").columns) == [
        "adcode", "gdp", "name", "gdp_1", "geometry",
    ]  # fmt: skip


def test_layers_say_what_they_are_in_the_language(tmp_path: Path, cities: Any) -> None:
    import sqlite3
    from contextlib import closing

    for lang, title, alias in (
        ("zh", "地区生产总值的局部莫兰指数, 2001", "置换检验p值"),
        ("en", "Local Moran’s I of 地区生产总值, 2001", "Permutation p-value"),
    ):
        path = written(tmp_path / lang, cities, lang)
        with closing(sqlite3.connect(path)) as database:
            identifier, note = database.execute(
                "SELECT identifier, description FROM gpkg_contents WHERE table_name = 'one'"
            ).fetchone()
            names = dict(database.execute("SELECT column_name, title FROM gpkg_data_columns").fetchall())
        assert (identifier, names["p_sim"]) == (title, alias)
        assert note.startswith("Weights: contiguity: 16 units")
        assert "99 permutations, seed 0; two-sided" in note


def test_units_that_a_result_lacks_are_hatched(tmp_path: Path, cities: Any) -> None:
    root = project(written(tmp_path, cities))
    layer = next(n for n in root.iter("maplayer") if n.findtext("datasource", "").endswith("=part"))
    last = layer.findall("renderer-v2/categories/category")[-1]
    assert (last.get("value"), last.get("label")) == ("", "无数据 (4)")
    symbol = layer.find(f"renderer-v2/symbols/symbol[@name='{last.get('symbol')}']/layer")
    assert symbol is not None
    assert symbol.get("class") == "LinePatternFill"
    assert pyogrio.read_dataframe(tmp_path / "r.gpkg", layer="part")["cluster"].isna().sum() == 4


def test_classes_of_all_times_are_the_same(tmp_path: Path, cities: Any) -> None:
    root = project(written(tmp_path, cities))
    ranges = [
        [(r.get("lower"), r.get("upper")) for r in node.findall("renderer-v2/ranges/range")]
        for node in root.iter("maplayer")
        if node.findtext("datasource", "").endswith("=residual")
    ]
    assert len(ranges) == 2
    assert ranges[0] == ranges[1]


def test_an_older_project_keeps_its_other_layers(tmp_path: Path, cities: Any) -> None:
    path = written(tmp_path, cities)
    before = path.with_suffix(".qgz").read_bytes()
    sp.write_layers(path, cities, {"new": cities["gdp"]}, lang="zh")
    root = project(path)
    tables = {n.findtext("datasource", "").partition("=")[2] for n in root.iter("maplayer")}
    assert tables == {*dated(cities), "new"}
    assert "反号" in groups(root)["2002"]
    path.with_suffix(".qgz").write_bytes(b"no archive")
    path = written(tmp_path, cities)
    assert path.with_suffix(".qgz").read_bytes() == before  # the same each time


def test_shapefiles_carry_chinese_names_intact(tmp_path: Path, cities: Any) -> None:
    path = sp.write_layers(tmp_path / "x.shp", cities, {"x": local(cities)}, lang="zh")
    back = sp.read_cities(path, id="adcode")
    assert back["name"].tolist() == cities["名称"].tolist()


def test_info_of_no_layer_and_values_of_no_city_are_refused(tmp_path: Path, cities: Any) -> None:
    layers = {"x": cities["gdp"]}
    with pytest.raises(DataError, match=r"info maps names of layers to LayerInfo; got 'y': LayerInfo"):
        sp.write_layers(tmp_path / "a.gpkg", cities, layers, info={"y": sp.LayerInfo()})
    with pytest.raises(DataError, match="got 'x': str"):
        sp.write_layers(tmp_path / "a.gpkg", cities, layers, info={"x": "title"})  # type: ignore[dict-item]
    stray = sp.LayerInfo(values=pd.Series([1.0], index=["999999"], name="v"))
    with pytest.raises(AlignmentError, match="In the values of v only: '999999'"):
        sp.write_layers(tmp_path / "a.gpkg", cities, layers, info={"x": stray})
    assert list(tmp_path.iterdir()) == []


_QGIS = """
import json, sys
from qgis.core import QgsApplication, QgsMapRendererParallelJob, QgsMapSettings, QgsProject
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
app = QgsApplication([], False); app.initQgis()
project = QgsProject.instance()
assert project.read(sys.argv[1])
out = {"crs": project.crs().toProj(), "title": project.title(), "layers": {}}
for node in project.layerTreeRoot().findLayers():
    layer = node.layer()
    settings = QgsMapSettings()
    settings.setLayers([layer]); settings.setOutputSize(QSize(200, 200));
    settings.setDestinationCrs(project.crs()); settings.setBackgroundColor(QColor("white"))
    settings.setExtent(settings.fullExtent())
    job = QgsMapRendererParallelJob(settings); job.start(); job.waitForFinished()
    image = job.renderedImage()
    image.save(sys.argv[2] + "/" + layer.name() + ".png")
    seen = {}
    for x in range(200):
        for y in range(200):
            name = QColor(image.pixel(x, y)).name(); seen[name] = seen.get(name, 0) + 1
    out["layers"][node.parent().name() + "/" + layer.name()] = {
        "valid": layer.isValid(), "seen": seen, "abstract": layer.metadata().abstract(),
        "aliases": {f.name(): f.alias() for f in layer.fields()},
        "legend": [item.label() for item in layer.renderer().legendSymbolItems()]}
print("JSON" + json.dumps(out))
"""


@pytest.mark.rendered
def test_qgis_opens_the_project_and_draws_each_layer(tmp_path: Path, cities: Any) -> None:
    path = written(tmp_path, cities)
    (tmp_path / "look.py").write_text(_QGIS, encoding="utf-8")
    run = subprocess.run(
        ["/usr/bin/python3", "look.py", path.with_suffix(".qgz").name, "."],
        cwd=tmp_path,
        env={
            "QT_QPA_PLATFORM": "offscreen",
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
        },
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    found = json.loads(run.stdout.decode().partition("JSON")[2])
    assert "+proj=aea" in found["crs"]
    assert len(found["layers"]) == 6
    for name, layer in found["layers"].items():
        assert layer["valid"], name
        assert sum(count for shade, count in layer["seen"].items() if shade != "#ffffff") > 100, name
    one = found["layers"]["2001/地区生产总值的局部莫兰指数, 2001"]
    assert one["aliases"]["value"] == "地区生产总值"
    assert one["abstract"].startswith("Weights: contiguity")
    assert one["seen"][COLORS["HH"][0]] > 100
    part = found["layers"]["/地区生产总值的局部莫兰指数"]
    assert part["legend"][-1] == "无数据 (4)"
    # A quarter of the map is hatched: as good as no pixel of it has a fill.
    assert sum(c for s, c in part["seen"].items() if s == "#ffffff") > 0.15 * 200 * 200


_TOOLBOX = """
import json, os, shutil, sys
sys.path.append("/usr/share/qgis/python/plugins")
from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback, QgsProject, QgsVectorLayer
from qgis.gui import QgsProcessingToolboxTreeView
app = QgsApplication([], True); app.initQgis()
import processing
from processing.core.Processing import Processing
from processing.script import ScriptUtils
os.makedirs(ScriptUtils.defaultScriptsFolder(), exist_ok=True)
shutil.copy(os.path.join(sys.argv[1], "spatial_moran.py"), ScriptUtils.defaultScriptsFolder())
Processing.initialize()
registry = QgsApplication.processingRegistry()
tree = QgsProcessingToolboxTreeView(None, registry)
tree.setFilterString("moran"); tree.resize(300, 200); tree.show(); app.processEvents()
shown = tree.grab().toImage()
tool = registry.algorithmById("script:moran")
asked = tool.parameterDefinition("ISLANDS").options()
units = QgsVectorLayer(sys.argv[2], "units", "ogr")
assert units.isValid()
QgsProject.instance().addMapLayer(units)
context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
context.setProject(QgsProject.instance())
given = {"INPUT": units, "ID": "adcode", "VARIABLES": sys.argv[4].split(","), "WEIGHTS": "queen",
    "PERMUTATIONS": 99, "PROGRAM": sys.argv[3], "OUTPUT": "results", "LANGUAGE": 1}
try:
    found, good = processing.run("script:moran", given, context=context, feedback=feedback), True
except Exception as error:
    found, good = {}, False
    feedback.pushInfo(str(error))
layers = found.get("LAYERS", [])
print("JSON" + json.dumps({"good": good, "options": asked, "name": tool.displayName(),
    "colours": len({shown.pixel(x, y) for x in range(0, 300, 3) for y in range(200)}),
    "log": feedback.textLog(), "table": found.get("TABLE"),
    "layers": [[layer.name(), layer.renderer().type(), layer.featureCount()] for layer in layers]}))
"""


def _toolbox(folder: Path, cities: Any, variables: str) -> Any:
    cities.drop(columns="名称").to_file(folder / "units.gpkg", layer="units", index=True)
    (folder / "tool.py").write_text(_TOOLBOX, encoding="utf-8")
    scripts = Path(sp.__file__).parent / "gis" / "qgis"
    program = Path(sys.executable).with_name("spatial")
    run = subprocess.run(
        ["/usr/bin/python3", "tool.py", str(scripts), "units.gpkg", str(program), variables],
        cwd=folder,
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout.decode().partition("JSON")[2])


@pytest.mark.rendered
def test_the_toolbox_of_qgis_runs_moran(tmp_path: Path, cities: Any) -> None:
    found = _toolbox(tmp_path, cities, "gdp")
    assert found["good"], found["log"]
    W = sp.weights.contiguity(cities).row_standardized()
    assert json.loads(found["table"])[0]["estimate"] == pytest.approx(sp.moran(cities["gdp"], W).I)
    assert found["layers"] == [["local_gdp", "categorizedSymbol", 16]]
    # It stands in the toolbox, which is drawn, and its choices are words of people.
    assert found["name"] == "Moran's I and local clusters"
    assert found["options"] == ["Refuse", "Keep, with a lag of 0", "Link with the nearest"]
    assert found["colours"] > 20
    assert (tmp_path / "results" / "figures" / "clusters_gdp.png").exists()


@pytest.mark.rendered
def test_the_toolbox_of_qgis_shows_what_the_program_refuses(tmp_path: Path, cities: Any) -> None:
    cities["gdp"] = cities["gdp"].where(cities["gdp"] != 9)
    found = _toolbox(tmp_path, cities, "gdp")
    assert not found["good"]
    assert "--missing drop" in found["log"]
    assert "Traceback" not in found["log"]


def test_the_project_stands_in_the_projection_of_the_map_without_its_insets(tmp_path: Path) -> None:
    from spatial.maps.scene import Scene

    corners = {"a": (74, 36), "b": (130, 46), "c": (110, 20), "sea": (112, 8)}
    shapes = [shapely.box(x, y, x + 2, y + 2) for x, y in corners.values()]
    china = gpd.GeoDataFrame({"x": [1.0, 2, 3, 4]}, geometry=shapes, index=list(corners), crs=4326)
    part = sp.weights.knn(china.loc[["a", "b", "c"]], 1)
    sp.write_layers(tmp_path / "a.gpkg", china, {"x": china["x"], "links": part})
    with zipfile.ZipFile(tmp_path / "a.qgz") as archive:
        root = ET.fromstring(archive.read("a.qgs"))
    found = root.findtext("projectCrs/spatialrefsys/wkt") or ""
    scene = Scene.of(china)
    assert len(scene.insets) == 1
    assert found.startswith(f'PROJCRS["{scene.projection.name("en")}"')
    assert "Latitude of 1st standard parallel" in found
    links = gpd.read_file(tmp_path / "a.gpkg", layer="links")
    assert set(links["i"]) == {"a", "b", "c"}  # of a map that has a unit more
