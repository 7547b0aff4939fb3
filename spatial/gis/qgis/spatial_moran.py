"""Moran's I and local clusters from the toolbox of QGIS: it runs `spatial moran` and loads the layers.

In QGIS: Processing Toolbox, Scripts, Add Script to Toolbox, and this file.  The program `spatial` may live in
any environment: give its path, or set SPATIAL_PROGRAM; QGIS's own Python needs nothing installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

SIDES = ("two-sided", "greater", "less", "geoda")
GAPS = ("raise", "drop")
ISLANDS = ("raise", "keep", "nearest")
LANGUAGES = ("en", "zh")
SHOWN = {
    "two-sided": ("Two-sided", "双侧"),
    "greater": ("Greater: like values together", "单侧：大于（相似值集聚）"),
    "less": ("Less: unlike values together", "单侧：小于（相异值相邻）"),
    "geoda": ("GeoDa's pseudo p, towards the nearer tail", "GeoDa 的伪 p 值（就近单侧）"),
    "raise": ("Refuse", "拒绝"),
    "drop": ("Leave out", "剔除"),
    "keep": ("Keep, with a lag of 0", "保留，空间滞后为 0"),
    "nearest": ("Link with the nearest", "与最近的单元相连"),
    "en": ("English", "English"),
    "zh": ("中文", "中文"),
}


def chinese() -> bool:
    """Whether QGIS speaks Chinese."""
    return QgsApplication.instance() is not None and QgsApplication.locale().startswith("zh")


def words(english: str, other: str) -> str:
    """Return a text in the language of QGIS."""
    return other if chinese() else english


class SpatialMoran(QgsProcessingAlgorithm):
    """Moran's I of variables of a layer, with the clusters as styled layers."""

    def name(self) -> str:
        return "moran"

    def displayName(self) -> str:
        return words("Moran's I and local clusters", "莫兰指数与局部聚类")

    def group(self) -> str:
        return words("Spatial econometrics", "空间计量")

    def groupId(self) -> str:
        return "spatial"

    def shortHelpString(self) -> str:
        return words(
            "Global and local Moran's I of one or more variables, by permutation: a table, a scatter plot, a "
            "map and a layer of clusters for each, written into a folder. Runs the program spatial.\n\n"
            "Weights: queen, rook, knn:8 (nearest neighbours), band:200 (km), inverse:1 (power of the "
            "distance), kernel:200 (km), or a weights file.",
            "以置换检验计算一个或多个变量的全局与局部莫兰指数：每个变量输出表格、散点图、地图和聚类图层。"
            "需安装程序 spatial。\n\n空间权重：queen、rook、knn:8（最近邻）、band:200（千米）、"
            "inverse:1（距离的幂）、kernel:200（千米），或权重文件。",
        )

    def createInstance(self) -> SpatialMoran:
        return SpatialMoran()

    # ---- what is asked
    def initAlgorithm(self, _: object = None) -> None:
        add = self.addParameter
        kinds = [QgsProcessing.TypeVectorPolygon, QgsProcessing.TypeVectorPoint]
        add(QgsProcessingParameterFeatureSource("INPUT", words("Units", "单元图层"), kinds))
        add(QgsProcessingParameterField("ID", words("Field with the ids", "编号字段"), None, "INPUT"))
        add(
            QgsProcessingParameterField(
                "VARIABLES",
                words("Variables", "变量"),
                None,
                "INPUT",
                QgsProcessingParameterField.Numeric,
                True,
            )
        )
        weights = words("Weights, as queen or knn:8", "空间权重，如 queen 或 knn:8")
        add(QgsProcessingParameterString("WEIGHTS", weights, "queen"))
        add(self._choice("ISLANDS", words("Units without neighbours", "无邻居的单元"), ISLANDS))
        add(self._choice("MISSING", words("Units without a value", "缺失值"), GAPS))
        add(self._number("PERMUTATIONS", words("Permutations", "置换次数"), 999))
        add(self._number("SEED", words("Seed", "随机种子"), 0))
        add(self._choice("SIDE", words("Alternative", "备择假设"), SIDES))
        add(self._choice("LANGUAGE", words("Language", "语言"), LANGUAGES, 1 if chinese() else 0))
        program = QgsProcessingParameterString(
            "PROGRAM", words("The program spatial", "程序 spatial 的路径"), "", optional=True
        )
        program.setFlags(program.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
        add(program)
        add(QgsProcessingParameterFolderDestination("OUTPUT", words("Folder of the results", "结果文件夹")))
        self.addOutput(QgsProcessingOutputString("TABLE", words("Moran's I, as JSON", "莫兰指数（JSON）")))
        self.addOutput(QgsProcessingOutputMultipleLayers("LAYERS", words("Cluster layers", "聚类图层")))

    def _choice(self, key: str, label: str, options: tuple[str, ...], default: int = 0) -> object:
        shown = [words(*SHOWN[option]) for option in options]
        return QgsProcessingParameterEnum(key, label, shown, defaultValue=default)

    def _number(self, key: str, label: str, default: int) -> object:
        return QgsProcessingParameterNumber(
            key, label, QgsProcessingParameterNumber.Integer, default, minValue=0
        )

    # ---- what is done
    def processAlgorithm(self, parameters: dict, context: QgsProcessingContext, feedback: object) -> dict:
        folder = Path(self.parameterAsString(parameters, "OUTPUT", context))
        with tempfile.TemporaryDirectory() as temporary:
            units = Path(temporary) / "units.gpkg"
            self._export(parameters, context, units)
            text = self._run(self._command(parameters, context, units, folder), feedback)
        layers = self._load(folder / "gis" / "moran.gpkg", context)
        return {"OUTPUT": str(folder), "TABLE": text, "LAYERS": layers}

    def _export(self, parameters: dict, context: QgsProcessingContext, target: Path) -> None:
        """Write the features, those that are selected if so chosen, where the program can read them."""
        source = self.parameterAsSource(parameters, "INPUT", context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, "INPUT"))
        options = QgsVectorFileWriter.SaveVectorOptions()
        options.driverName, options.layerName = "GPKG", "units"
        writer = QgsVectorFileWriter.create(
            str(target),
            source.fields(),
            source.wkbType(),
            source.sourceCrs(),
            context.transformContext(),
            options,
        )
        for feature in source.getFeatures():
            writer.addFeature(feature)
        del writer

    def _command(
        self, parameters: dict, context: QgsProcessingContext, units: Path, folder: Path
    ) -> list[str]:
        def chosen(key: str, options: tuple[str, ...]) -> str:
            return options[self.parameterAsEnum(parameters, key, context)]

        given = self.parameterAsString(parameters, "PROGRAM", context)
        program = given or os.environ.get("SPATIAL_PROGRAM") or shutil.which("spatial")
        if not program:
            raise QgsProcessingException(
                words(
                    "The program spatial is not on the path: pip install spatial-cities, then give its path "
                    "under Advanced Parameters, or set SPATIAL_PROGRAM.",
                    "找不到程序 spatial：请 pip install spatial-cities，"
                    "并在高级参数中给出其路径，或设置 SPATIAL_PROGRAM。",
                )
            )
        return [
            program,
            "moran",
            str(units),
            *self.parameterAsFields(parameters, "VARIABLES", context),
            "--id", self.parameterAsFields(parameters, "ID", context)[0],
            "--weights", self.parameterAsString(parameters, "WEIGHTS", context),
            "--islands", chosen("ISLANDS", ISLANDS),
            "--missing", chosen("MISSING", GAPS),
            "--permutations", str(self.parameterAsInt(parameters, "PERMUTATIONS", context)),
            "--seed", str(self.parameterAsInt(parameters, "SEED", context)),
            "--alternative", chosen("SIDE", SIDES),
            "--lang", chosen("LANGUAGE", LANGUAGES),
            "--out", str(folder),
            "--json",
        ]  # fmt: skip

    def _run(self, command: list[str], feedback: object) -> str:
        """Run the program outside the Python of QGIS, whose variables would confuse another one."""
        inner = {"PYTHONHOME", "PYTHONPATH"}
        environment = {key: value for key, value in os.environ.items() if key not in inner}
        feedback.pushCommandInfo(" ".join(command))
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
        ) as process:
            out, error = process.communicate()
        if process.returncode:
            raise QgsProcessingException(error.strip() or f"spatial moran: {process.returncode}")
        for line in error.splitlines():
            feedback.pushInfo(line)
        for row in json.loads(out):
            feedback.pushInfo(", ".join(f"{key}: {value}" for key, value in row.items()))
        return out

    def _load(self, path: Path, context: QgsProcessingContext) -> list[str]:
        """Load each layer of the file, in the style that it carries."""
        loaded = []
        metadata = QgsProviderRegistry.instance().providerMetadata("ogr")
        for found in metadata.querySublayers(str(path)):
            if found.name() == "layer_styles":
                continue
            layer = QgsVectorLayer(found.uri(), found.name(), "ogr")
            layer.loadDefaultStyle()
            context.temporaryLayerStore().addMapLayer(layer)
            details = QgsProcessingContext.LayerDetails(found.name(), context.project(), "LAYERS")
            context.addLayerToLoadOnCompletion(layer.id(), details)
            loaded.append(layer.id())
        return loaded


__all__ = ["SpatialMoran"]
