"""Tables of a study, in every format from one object."""

from __future__ import annotations

from typing import Any

import pandas as pd

from spatial.io.atomic import write_csv
from spatial.study.cache import digest
from spatial.study.checks import fit_names
from spatial.study.schema import outputs
from spatial.study.values import Values

from .step import Output

__all__ = ["built_table", "make_table", "table_key"]

_WRITERS = {
    "docx": "to_docx",
    "xlsx": "to_xlsx",
    "tex": "to_latex",
    "html": "to_html",
    "md": "to_markdown",
}


def table_key(values: Values, part: Any) -> str:
    """Return a digest of what the numbers of a table depend on."""
    match part:
        case outputs.RegressionTable():
            impacts = [values.impacts_key(n) for n in part.fits] if part.impacts else []
            return digest([values.fit_key(name) for name in part.fits], impacts)
        case outputs.MoranTable():
            return digest([values.moran_key(*pair) for pair in values.diagnosed(part.weights)])
        case outputs.IdentificationTable():
            return values.system_key(_system_number(values, part))
        case outputs.WeightsTable():
            return digest([values.weights_key(name) for name in _weights_names(values, part)])
    return values.panel_key


def make_table(values: Values, part: Any, out: Output) -> None:
    """Write a table in its formats."""
    table = values.once(f"table {part.name}", lambda: built_table(values, part))
    for kind in dict.fromkeys(part.formats):
        path = out.path("tables", f"{part.name}.{kind}")
        if kind == "csv":
            write_csv(_numbers(values, part), path)
        else:
            getattr(table, _WRITERS[kind])(path)


def built_table(values: Values, part: Any) -> Any:
    """Return the table as one object of `spatial.tables`."""
    from spatial import tables

    panel = values.labelled
    words = {"lang": values.study.language, "notes": part.notes, "digits": part.digits, "title": part.title}
    match part:
        case outputs.RegressionTable():
            return _regression_table(values, part, {**words, "title": part.title or ""})
        case outputs.DescriptiveTable():
            return tables.descriptive_table(panel, part.columns, **words)
        case outputs.CorrelationTable():
            return tables.correlation_table(panel, part.columns, **words)
        case outputs.MoranTable():
            return tables.moran_table(_moran_frame(values, part), labels=panel, **words)
        case outputs.IdentificationTable():
            found = values.system(_system_number(values, part)).identification()
            return tables.identification_table(found, labels=panel, **words)
    named = {name: values.weights(name) for name in _weights_names(values, part)}
    return tables.weights_table(named, **words)


def _regression_table(values: Values, part: outputs.RegressionTable, words: dict[str, Any]) -> Any:
    from spatial.tables.regression import regression_table

    systems = [found for name in part.fits if (found := fit_names(values.study)[name]) is not None]
    draws = max((values.study.systems[k].draws for k, _ in systems), default=0)
    return regression_table(
        [values.fit(name) for name in part.fits],
        names=part.names or (None if len(part.fits) == 1 else list(part.fits)),
        labels=values.labelled,
        stars=tuple(part.stars),
        show=part.show,
        controls=part.controls or None,
        impacts=part.impacts,
        draws=draws,
        seed=values.study.seed,
        **words,
    )


def _numbers(values: Values, part: Any) -> pd.DataFrame:
    """Return the numbers behind a table, unrounded."""
    match part:
        case outputs.RegressionTable():
            tidy = pd.concat([values.fit(n).tidy() for n in part.fits], keys=part.fits, names=["fit", None])
            return tidy.reset_index("fit").reset_index(drop=True)
        case outputs.MoranTable():
            return _moran_frame(values, part)
        case outputs.IdentificationTable():
            frame: pd.DataFrame = values.system(_system_number(values, part)).identification().frame
            return frame
        case outputs.WeightsTable():
            return built_table(values, part).frame.reset_index()
    panel = values.labelled
    if isinstance(part, outputs.CorrelationTable):
        wanted = part.columns or panel.describe().index.tolist()
        return panel.frame[wanted].corr().rename_axis("column").reset_index()
    return panel.describe(part.columns).reset_index()


def _moran_frame(values: Values, part: outputs.MoranTable) -> pd.DataFrame:
    found = [values.moran(*pair) for pair in values.diagnosed(part.weights)]
    return pd.concat(found, ignore_index=True)


def _system_number(values: Values, part: outputs.IdentificationTable) -> int:
    return [system.name for system in values.study.systems].index(part.system)


def _weights_names(values: Values, part: outputs.WeightsTable) -> list[str]:
    return list(values.study.weights) if part.weights is None else part.weights
