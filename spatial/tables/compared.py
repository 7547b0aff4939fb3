"""The table of several weights side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from spatial.errors import DataError, hinted
from spatial.languages.names import kind_words, normal_words
from spatial.weights.report.report import WeightsReport
from spatial.weights.value import WeightsLike, as_weights
from spatial.words import check_language

from .described import titled
from .formats.cells import Row, clean, clean_all, head_row
from .formats.numbers import check_digits, format_number
from .notes import noted
from .table import Table, in_languages
from .words import word

__all__ = ["weights_table"]


@in_languages
@hinted
def weights_table(
    weights: WeightsLike | Mapping[str, WeightsLike],
    *,
    digits: int = 3,
    lang: str | None = None,
    title: str | None = None,
    notes: str | Iterable[str] = (),
) -> Table:
    """Compare weights: links, components, islands, row sums and the admissible range of lambda.

    Parameters
    ----------
    weights : Weights, WeightsReport, or mapping of names to them
        Columns of the table.
    digits, lang, title, notes
        As in `regression_table`.

    Raises
    ------
    WeightsError
        If an argument is not weights with ids.
    DataError
        If `digits` is no whole number from 0 to 10.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> table = weights_table({"W": Weights.from_dense([[0, 1.0], [1, 0]])})
    >>> table.frame.loc["Links", "W"]
    '1 link (2 entries)'
    """
    language, places = check_language(lang), check_digits(digits)
    several = dict(weights) if isinstance(weights, Mapping) else {"W": weights}
    if not several:
        raise DataError("weights_table needs at least one weights matrix; got none.")
    reports = [w if isinstance(w, WeightsReport) else as_weights(w).report() for w in several.values()]
    columns = [_weights_facts(report, places, language) for report in reports]
    rows = [Row(word(key, language), tuple(column[key] for column in columns)) for key in columns[0]]
    rows = [row for row in rows if any(row.cells)]
    said = [
        f"{name}{'：' if language == 'zh' else ': '}{text}"
        for name, report in zip(several, reports, strict=True)
        for text in (report.warnings_zh if language == "zh" else report.warnings)
    ]
    said += clean_all(notes)
    head = head_row(["", *map(str, several)])
    shown = titled(title, "weights_title", language)
    return Table((head,), tuple(rows), shown, noted(said, language), language)


def _weights_facts(report: Any, digits: int, lang: str) -> dict[str, str]:
    def number(value: float | None) -> str:
        return "" if value is None else format_number(value, digits)

    span = report.lambda_range
    return {
        "kind": clean(kind_words(report.kind, lang)),
        "normalization": normal_words(report.normalization, lang).strip(" ,，"),
        "units": str(report.n),
        "links": report.links_in_words(lang),
        "density": number(report.density),
        "components": str(report.n_components),
        "islands": str(len(report.islands)),
        "neighbours": f"{report.neighbors_min}, {number(report.neighbors_mean)}, {report.neighbors_max}",
        "row_sums": f"{number(report.row_sum_min)}, {number(report.row_sum_max)}",
        "symmetric": word("yes" if report.symmetric_values else "no", lang),
        "radius": number(report.spectral_radius),
        "lambda_range": "" if span is None else f"({number(span[0])}, {number(span[1])})",
        "unit_of_distance": clean(report.distance_unit or ""),
    }
