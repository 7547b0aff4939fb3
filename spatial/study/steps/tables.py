"""Tables of a study: a small class a kind, with the key of its numbers, the table and the numbers behind."""

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd

from spatial.io.atomic import write_csv
from spatial.study.cache import digest
from spatial.study.calls import Call, Ref, call, method
from spatial.study.fits.labels import labels_of_groups, words_of
from spatial.study.schema import tables as schema
from spatial.study.schema.data import Rows
from spatial.study.values import Refusal, Values
from spatial.tables.described import numbers_of
from spatial.tables.differences import grouped

from .chinese import in_chinese
from .frames import Analysed, Checked, Cleaned, Frame, Index, Measured, Policy, Samples, Truth
from .printed import with_coefficients, with_moments
from .shown import Shown
from .step import Output
from .terms import controls_of, head_of, heads_of, usable

__all__ = ["WRITERS", "built_table", "make_table", "script_of", "table_key"]

WRITERS = {
    "docx": "to_docx",
    "xlsx": "to_xlsx",
    "tex": "to_latex",
    "html": "to_html",
    "md": "to_markdown",
}


class _Regression(Shown):
    @property
    def fits(self) -> list[str]:
        return self.values.named(self.part.fits)

    @property
    def meant(self) -> list[str]:
        """The fits that are no refusals."""
        return [name for name in self.fits if self.values.part(name).expect == "fit"]

    @property
    def kept(self) -> list[str]:
        """Those that could be estimated."""
        return self.meant if self.written else usable(self.values, self.meant)[0]

    @property
    def spatial(self) -> list[str]:
        return [name for name in self.kept if self.values.fits[name].section == "systems"]

    def key(self) -> str:
        values = self.values  # nothing is estimated for a key
        systems = [name for name in self.meant if values.fits[name].section == "systems"]
        impacts = [values.impacts_key(name) for name in systems] if self.part.impacts else []
        return digest([values.fit_key(name) for name in self.fits], impacts)

    def notes(self) -> list[str]:
        values = self.values
        if self.written:
            return super().notes()
        refused = [values.fit(name) for name in self.fits if name not in self.meant]
        said = [self._said(fit) for fit in refused if isinstance(fit, Refusal)]
        failed = usable(values, self.meant)[1]
        return [*super().notes(), *said, *failed]

    def _said(self, refused: Refusal) -> str:
        if self.values.study.language == "zh":
            return f"{head_of(self.values, refused.name)}：{in_chinese(refused.message, self.values)}"
        return f"{refused.name}: {refused.message}"

    def call(self) -> Call:
        values, part = self.values, self.part
        names = heads_of(values, part, self.fits)
        options: dict[str, Any] = {
            "names": names and [n for n, fit in zip(names, self.fits, strict=True) if fit in self.kept],
            "labels": Ref("table labels"),
            "style": part.style,
            "stars": None if part.stars is None else tuple(part.stars),
            "show": part.show,
            "controls": controls_of(values, part.controls, self.fits) or None,
            "rows": controls_of(values, part.rows, self.fits) or None,
            "counts": part.counts,
            "columns": part.columns,
            "heads": part.heads and [tuple(head) for head in part.heads],
        }
        if part.impacts:
            draws = max((values.part(name).draws for name in self.spatial), default=0)
            options |= {"impacts": True, "draws": draws, "seed": values.study.seed}
        words = {**self.words(), "title": self.title or ""}
        return call("regression_table", [Ref("fit", name) for name in self.kept], **options, **words)

    def beside(self, table: Any) -> Any:
        """Return the table with the columns that a paper prints."""
        if self.part.printed is None:
            return table
        values = self.values
        printed = values.study.printed[self.part.printed]
        labels = {**values.labels, **{name: head_of(values, name) for name in values.fits}}
        return with_coefficients(table, printed.typed(), printed.said(values.study.language), labels)

    def numbers(self) -> pd.DataFrame:
        tidy = {name: self.values.fit(name).tidy() for name in self.kept}
        return pd.concat(tidy, names=["fit", None]).reset_index("fit").reset_index(drop=True)


class _Select(Shown):
    def key(self) -> str:
        return self.values.analysis_key(self.part.of)

    def call(self) -> Call:
        words = {**self.words(), "title": self.title or ""}
        return method(Ref("analysis", self.part.of), "table", **words)

    def numbers(self) -> pd.DataFrame:
        found: pd.DataFrame = self.values.analysis(self.part.of).tidy()
        return found


class _Descriptive(Shown):
    function: ClassVar[str] = "descriptive_table"

    def beside(self, table: Any) -> Any:
        """Return the table with the moments that a paper prints."""
        printed = getattr(self.part, "printed", None)
        if printed is None:
            return table
        part, study = self.part, self.values.study
        columns = part.columns or self.rows.describe().index.tolist()
        source = study.printed[printed].said(study.language)
        return with_moments(table, study.printed[printed].moments or {}, columns, source)

    @property
    def _sample(self) -> Rows | None:
        return None if self.part.sample is None else self.values.study.samples[self.part.sample]

    @property
    def _panel(self) -> Any:
        return Ref("panel") if self._sample is None else method(Ref("panel"), "where", self._sample.where)

    @property
    def rows(self) -> Any:
        """The panel, or its rows in the sample that was asked for."""
        return self.values.run(self._panel)

    def notes(self) -> list[str]:
        """Return the notes, and which rows are shown."""
        if self._sample is None:
            return super().notes()
        language = self.values.study.language
        said = words_of(self._sample, language) or self._sample.where
        return [f"样本：{said}。" if language == "zh" else f"Sample: {said}.", *super().notes()]

    def key(self) -> str:
        columns = self.part.columns
        if columns is None or self._sample is not None:
            chosen = None if self._sample is None else self._sample.model_dump()
            return digest(self.values.panel_key, chosen, *self._by)
        used = [text.removeprefix("cluster:") for text in self._by if text not in ("cluster", "welch")]
        return digest(self.values.columns_key([*columns, *used]), *self._by)

    @property
    def _by(self) -> list[str]:
        """The column of the groups and how they are compared, or nothing."""
        by = getattr(self.part, "by", None)
        return [] if by is None else [by, self.part.cov]

    def call(self) -> Call:
        options = self.words()
        if self._by:
            by, cov = self._by
            options |= {"by": by, "labels": {by: self.values.label(by), **labels_of_groups(self.values, by)}}
            options |= {} if cov == "cluster" else {"cov": cov}
        return call(self.function, self._panel, self.part.columns, **options)

    def numbers(self) -> pd.DataFrame:
        if self._by:
            by, cov = self._by
            return grouped(self.rows, by, numbers_of(self.rows, self.part.columns)[0], cov).frame()
        found: pd.DataFrame = self.rows.describe(self.part.columns).reset_index()
        return found


class _Correlation(_Descriptive):
    function: ClassVar[str] = "correlation_table"

    def numbers(self) -> pd.DataFrame:
        panel = self.rows
        wanted = self.part.columns or panel.describe().index.tolist()
        return pd.DataFrame(panel.frame[wanted].corr().rename_axis("column").reset_index())


class _Moran(Shown):
    def _pairs(self) -> list[Any]:
        return self.values.diagnosed(self.part.weights)

    def key(self) -> str:
        return digest([self.values.moran_key(*pair) for pair in self._pairs()])

    def call(self) -> Call:
        weights = self.values.default_weights(self.part.weights)
        return call("moran_table", Ref("moran", weights), labels=Ref("panel"), **self.words())

    def numbers(self) -> pd.DataFrame:
        return self.values.moran_frame(self.part.weights)


class _Identification(Shown):
    @property
    def _of(self) -> Ref:
        """A system as a specification, or a regression by instruments, which is estimated."""
        name = self.part.system
        return Ref("system" if self.values.fits[name].section == "systems" else "fit", name)

    def key(self) -> str:
        name = self.part.system
        return self.values.system_key(name) if self._of.kind == "system" else self.values.fit_key(name)

    def call(self) -> Call:
        return call("identification_table", self._of, labels=Ref("panel"), **self.words())

    def numbers(self) -> pd.DataFrame:
        found: pd.DataFrame = self.values.value(self._of).identification().frame
        return found


class _Weights(Shown):
    def _names(self) -> list[str]:
        return list(self.values.study.weights) if self.part.weights is None else self.part.weights

    def key(self) -> str:
        return digest([self.values.weights_key(name) for name in self._names()])

    def call(self) -> Call:
        return call("weights_table", {name: Ref("weights", name) for name in self._names()}, **self.words())

    def numbers(self) -> pd.DataFrame:
        found: pd.DataFrame = self.values.run(self.call()).frame.reset_index()
        return found


_KINDS: dict[type[Any], type[Shown]] = {
    schema.RegressionTable: _Regression,
    schema.DescriptiveTable: _Descriptive,
    schema.CorrelationTable: _Correlation,
    schema.MoranTable: _Moran,
    schema.IdentificationTable: _Identification,
    schema.WeightsTable: _Weights,
    schema.MeasuresTable: Measured,
    schema.IndexTable: Index,
    schema.CleaningTable: Cleaned,
    schema.PolicyTable: Policy,
    schema.AnalysisTable: Analysed,
    schema.CheckTable: Checked,
    schema.SelectTable: _Select,
    schema.SamplesTable: Samples,
    schema.TruthTable: Truth,
}


def _shown(values: Values, part: Any) -> Shown:
    return _KINDS[type(part)](values, part)


def table_key(values: Values, part: Any) -> str:
    """Return a digest of what the numbers of a table depend on, and of what it shows beside."""
    printed = getattr(part, "printed", None)
    beside = None if printed is None else values.study.printed[printed].model_dump()
    return digest(_shown(values, part).key(), beside)


def script_of(values: Values, part: Any) -> Call | None:
    """Return what makes a table, or None where it is made of the study itself."""
    found = _KINDS[type(part)](values, part, written=True)
    return None if isinstance(found, Frame) else found.call()


def built_table(values: Values, part: Any) -> Any:
    """Return the table as one object of `spatial.tables`."""
    found = _shown(values, part)
    if isinstance(found, Frame):
        values.frames[part.name] = found.shown
    return values.once(("table", part.name), lambda: found.beside(values.run(found.call())))


def make_table(values: Values, part: Any, out: Output) -> None:
    """Write a table in its formats."""
    table = built_table(values, part)
    for kind in dict.fromkeys(part.formats):
        path = out.path("tables", f"{part.file(values.study.language)}.{kind}")
        if kind == "csv":
            write_csv(_shown(values, part).numbers(), path)
        else:
            getattr(table, WRITERS[kind])(path)
