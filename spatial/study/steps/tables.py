"""Tables of a study: a small class a kind, with the key of its numbers, the table and the numbers behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from spatial.io.atomic import write_csv
from spatial.study.cache import digest
from spatial.study.calls import Call, Ref, call
from spatial.study.measured import measures_frame, weights_of_index
from spatial.study.schema import tables as schema
from spatial.study.values import Refusal, Values

from .step import Output
from .terms import controls_of, heads_of
from .truth import truth_frame

__all__ = ["WRITERS", "built_table", "make_table", "script_of", "table_key"]

WRITERS = {
    "docx": "to_docx",
    "xlsx": "to_xlsx",
    "tex": "to_latex",
    "html": "to_html",
    "md": "to_markdown",
}


@dataclass(frozen=True)
class _Shown:
    """A table of one kind: `values` and the section."""

    values: Values
    part: Any

    def words(self) -> dict[str, Any]:
        """Return language, digits, title and notes, as every table takes them."""
        part, found = self.part, {"lang": self.values.study.language}
        return found | {"notes": self.notes(), "digits": part.digits, "title": part.title}

    def notes(self) -> list[str]:
        """Return the notes of the section, and that data were drawn."""
        return [*self.part.notes, *self.values.stamps]

    def key(self) -> str:
        """Return a digest of what the numbers depend on."""
        return self.values.panel_key

    def call(self) -> Call:
        """Return what makes the table."""
        raise NotImplementedError  # pragma: no cover - each kind has its own

    def numbers(self) -> pd.DataFrame:
        """Return the numbers behind the table, unrounded."""
        raise NotImplementedError  # pragma: no cover - each kind has its own


class _Regression(_Shown):
    @property
    def fits(self) -> list[str]:
        return self.values.named(self.part.fits)

    @property
    def kept(self) -> list[str]:
        return [name for name in self.fits if self.values.part(name).expect == "fit"]

    @property
    def spatial(self) -> list[str]:
        return [name for name in self.kept if self.values.fits[name].section == "systems"]

    def key(self) -> str:
        values = self.values
        impacts = [values.impacts_key(n) for n in self.spatial] if self.part.impacts else []
        return digest([values.fit_key(name) for name in self.fits], impacts)

    def notes(self) -> list[str]:
        refused = [self.values.fit(name) for name in self.fits if name not in self.kept]
        said = [f"{fit.name}: {fit.message}" for fit in refused if isinstance(fit, Refusal)]
        return [*super().notes(), *said]

    def call(self) -> Call:
        values, part = self.values, self.part
        names = heads_of(values, part, self.fits)
        options: dict[str, Any] = {
            "names": names and [n for n, fit in zip(names, self.fits, strict=True) if fit in self.kept],
            "labels": Ref("panel"),
            "style": part.style,
            "stars": None if part.stars is None else tuple(part.stars),
            "show": part.show,
            "controls": controls_of(values, part.controls, self.fits) or None,
        }
        if part.impacts:
            draws = max((values.part(name).draws for name in self.spatial), default=0)
            options |= {"impacts": True, "draws": draws, "seed": values.study.seed}
        words = {**self.words(), "title": part.title or ""}
        return call("regression_table", [Ref("fit", name) for name in self.kept], **options, **words)

    def numbers(self) -> pd.DataFrame:
        tidy = {name: self.values.fit(name).tidy() for name in self.kept}
        return pd.concat(tidy, names=["fit", None]).reset_index("fit").reset_index(drop=True)


class _Descriptive(_Shown):
    function: ClassVar[str] = "descriptive_table"

    def key(self) -> str:
        columns = self.part.columns
        return self.values.panel_key if columns is None else self.values.columns_key(columns)

    def call(self) -> Call:
        return call(self.function, Ref("panel"), self.part.columns, **self.words())

    def numbers(self) -> pd.DataFrame:
        found: pd.DataFrame = self.values.labelled.describe(self.part.columns).reset_index()
        return found


class _Correlation(_Descriptive):
    function: ClassVar[str] = "correlation_table"

    def numbers(self) -> pd.DataFrame:
        panel = self.values.labelled
        wanted = self.part.columns or panel.describe().index.tolist()
        return pd.DataFrame(panel.frame[wanted].corr().rename_axis("column").reset_index())


class _Moran(_Shown):
    def _pairs(self) -> list[Any]:
        return self.values.diagnosed(self.part.weights)

    def key(self) -> str:
        return digest([self.values.moran_key(*pair) for pair in self._pairs()])

    def call(self) -> Call:
        weights = self.values.default_weights(self.part.weights)
        return call("moran_table", Ref("moran", weights), labels=Ref("panel"), **self.words())

    def numbers(self) -> pd.DataFrame:
        return self.values.moran_frame(self.part.weights)


class _Identification(_Shown):
    def key(self) -> str:
        return self.values.system_key(self.part.system)

    def call(self) -> Call:
        return call(
            "identification_table", Ref("system", self.part.system), labels=Ref("panel"), **self.words()
        )

    def numbers(self) -> pd.DataFrame:
        found: pd.DataFrame = self.values.system(self.part.system).identification().frame
        return found


class _Weights(_Shown):
    def _names(self) -> list[str]:
        return list(self.values.study.weights) if self.part.weights is None else self.part.weights

    def key(self) -> str:
        return digest([self.values.weights_key(name) for name in self._names()])

    def call(self) -> Call:
        return call("weights_table", {name: Ref("weights", name) for name in self._names()}, **self.words())

    def numbers(self) -> pd.DataFrame:
        found: pd.DataFrame = self.values.run(self.call()).frame.reset_index()
        return found


class _Frame(_Shown):
    """A table that shows a frame; its heads are words of the language."""

    def shown(self) -> pd.DataFrame:
        """Return the frame with its heads."""
        heads = _HEADS[self.values.study.language]
        frame = self.numbers()
        kept = [column for column in frame.columns if column in heads]
        return frame[kept].rename(columns=heads)

    def call(self) -> Call:
        words = {**self.words(), "title": self.part.title or ""}
        return call("frame_table", Ref("frame", self.part.name), **words)


class _Measures(_Frame):
    def key(self) -> str:
        values = self.values
        return values.columns_key([part.name for part in values.study.measures])

    def numbers(self) -> pd.DataFrame:
        frame = measures_frame(self.values)
        return frame if self.part.of is None else frame.set_index("name").loc[self.part.of].reset_index()


class _Index(_Frame):
    def key(self) -> str:
        return self.values.columns_key(self.part.of)

    def numbers(self) -> pd.DataFrame:
        values = self.values
        parts = {part.name: part for part in values.study.measures}
        frames = {name: weights_of_index(values, parts[name]) for name in self.part.of}
        found = pd.concat({n: f for n, f in frames.items() if f is not None}, names=["index", None])
        found = found.reset_index("index").reset_index(drop=True)
        found["label"] = [values.label(str(name)) for name in found["indicator"]]
        return found.drop(columns="index") if len(self.part.of) == 1 else found


class _Truth(_Frame):
    def key(self) -> str:
        return digest([self.values.fit_key(name) for name in self.values.named(self.part.of)])

    def numbers(self) -> pd.DataFrame:
        part = self.part
        wanted = (
            None if part.terms is None else controls_of(self.values, part.terms, self.values.named(part.of))
        )
        return truth_frame(self.values, part.of, wanted)


class _Policy(_Frame):
    """What is done with the effects of policies, a part below the other."""

    def _parts(self) -> list[tuple[str, Any]]:
        kind, values = self.part.kind, self.values
        if kind in ("did", "event_study"):
            fits = [fit for name in self.part.of for fit in values.fits_of(name)]
            shown = "tidy" if kind == "did" else kind
            return [(fit, getattr(values.fit(fit), shown)()) for fit in fits]
        return [(name, values.policy(name, kind).tidy()) for name in self.part.of]

    def key(self) -> str:
        values = self.values
        fits = [values.fit_key(fit) for name in self.part.of for fit in values.fits_of(name)]
        return digest(fits, [values.part(name).model_dump() for name in self.part.of])

    def numbers(self) -> pd.DataFrame:
        found = pd.concat(dict(self._parts()), names=["fit", None]).reset_index("fit")
        return pd.DataFrame(found.reset_index(drop=True))

    def shown(self) -> pd.DataFrame:
        heads = _HEADS[self.values.study.language]
        return self.numbers().rename(columns=heads)


class _Analysis(_Policy):
    """Mechanisms, moderations and heterogeneity."""

    def _parts(self) -> list[tuple[str, Any]]:
        return [(name, self.values.analysis(name).tidy()) for name in self.part.of]

    def key(self) -> str:
        return digest([self.values.analysis_key(name) for name in self.part.of])

    def notes(self) -> list[str]:
        # Tests of equality, and what each style assumes, stand below the table.
        said = [getattr(self.values.analysis(name), "table_notes", ()) for name in self.part.of]
        return [*(note for notes in said for note in notes), *super().notes()]


class _Cleaning(_Frame):
    def numbers(self) -> pd.DataFrame:
        return self.values.panel.history_frame().reset_index()


_HEADS: dict[str, dict[str, str]] = {
    "en": {
        "index": "Index",
        "label": "Variable",
        "indicator": "Column",
        "name": "Column",
        "function": "Function",
        "formula": "Formula",
        "parameters": "Parameters",
        "rows": "Rows",
        "missing": "Missing",
        "mean": "Mean",
        "min": "Min",
        "max": "Max",
        "direction": "Direction",
        "dimension": "Dimension",
        "weight": "Weight",
        "action": "Step",
        "columns": "Columns",
        "cells": "Cells",
        "detail": "Detail",
        "fit": "Fit",
        "equation": "Equation",
        "term": "Term",
        "truth": "True value",
        "estimate": "Estimate",
        "conf_low": "Low",
        "conf_high": "High",
        "covered": "Covered",
        "std_error": "Std. error",
        "statistic": "Statistic",
        "p_value": "p",
        "since": "Times since",
        "comparison": "Comparison",
    },
    "zh": {
        "index": "指数",
        "label": "变量",
        "indicator": "列",
        "name": "列",
        "function": "函数",
        "formula": "公式",
        "parameters": "参数",
        "rows": "行数",
        "missing": "缺失",
        "mean": "均值",
        "min": "最小值",
        "max": "最大值",
        "direction": "方向",
        "dimension": "维度",
        "weight": "权重",
        "action": "步骤",
        "columns": "列",
        "cells": "格数",
        "detail": "说明",
        "fit": "模型",
        "equation": "方程",
        "term": "变量",
        "truth": "真值",
        "estimate": "估计",
        "conf_low": "区间下限",
        "conf_high": "区间上限",
        "covered": "是否覆盖",
        "std_error": "标准误",
        "statistic": "统计量",
        "p_value": "p 值",
        "since": "距实施期数",
        "comparison": "比较",
    },
}


_KINDS: dict[type[Any], type[_Shown]] = {
    schema.RegressionTable: _Regression,
    schema.DescriptiveTable: _Descriptive,
    schema.CorrelationTable: _Correlation,
    schema.MoranTable: _Moran,
    schema.IdentificationTable: _Identification,
    schema.WeightsTable: _Weights,
    schema.MeasuresTable: _Measures,
    schema.IndexTable: _Index,
    schema.CleaningTable: _Cleaning,
    schema.PolicyTable: _Policy,
    schema.AnalysisTable: _Analysis,
    schema.TruthTable: _Truth,
}


def _shown(values: Values, part: Any) -> _Shown:
    return _KINDS[type(part)](values, part)


def table_key(values: Values, part: Any) -> str:
    """Return a digest of what the numbers of a table depend on."""
    return _shown(values, part).key()


def script_of(values: Values, part: Any) -> Call | None:
    """Return what makes a table, or None where it is made of the study itself."""
    found = _shown(values, part)
    return None if isinstance(found, _Frame) else found.call()


def built_table(values: Values, part: Any) -> Any:
    """Return the table as one object of `spatial.tables`."""
    found = _shown(values, part)
    if isinstance(found, _Frame):
        values.frames[part.name] = found.shown
    return values.once(("table", part.name), lambda: values.run(found.call()))


def make_table(values: Values, part: Any, out: Output) -> None:
    """Write a table in its formats."""
    table = built_table(values, part)
    for kind in dict.fromkeys(part.formats):
        path = out.path("tables", f"{part.name}.{kind}")
        if kind == "csv":
            write_csv(_shown(values, part).numbers(), path)
        else:
            getattr(table, WRITERS[kind])(path)
