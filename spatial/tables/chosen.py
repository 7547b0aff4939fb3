"""The tests by which a spatial model was chosen, as papers print them."""

from __future__ import annotations

from collections.abc import Iterable

from spatial.errors import DataError, hinted
from spatial.models.choice.result import GROUPS, ModelChoice
from spatial.models.choice.words import STEPS, WORDS
from spatial.words import check_language, said

from .formats.cells import Row, clean, clean_all, head_row
from .formats.numbers import check_digits, format_number, star_text
from .notes import noted, star_note
from .table import Table, in_languages

__all__ = ["selection_table"]

STARS = (0.1, 0.05, 0.01)


@in_languages
@hinted
def selection_table(
    choice: ModelChoice,
    *,
    digits: int = 3,
    lang: str | None = None,
    title: str | None = None,
    notes: str | Iterable[str] = (),
) -> Table:
    """Show the tests of a choice between models: LM, robust LM, Wald, LR, Hausman; the advice in the notes.

    Parameters
    ----------
    choice : ModelChoice
    digits : int
    lang : "en" or "zh"
    title : str, optional
    notes : str or list of str
    """
    if not isinstance(choice, ModelChoice):
        raise DataError(f"selection_table needs what models.select returns; got {type(choice).__name__}.")
    language, places = check_language(lang), check_digits(digits)
    names = [said(WORDS, key, language) for key in ("test", "statistic", "p")]
    head = head_row([*names, said(WORDS, "decision", language, alpha=choice.alpha)])
    rows: list[Row] = []
    for group, steps in GROUPS:
        rows.append(Row(said(WORDS, group, language), (), "panel", rule=bool(rows)))
        for key in steps:
            test = choice.tests[key]
            value = format_number(test.statistic, places) if test.computed else ""
            stars = star_text(test.p_value, STARS) if test.computed else ""
            p_value = ("< 0.001" if test.p_value < 0.001 else f"{test.p_value:.3f}") if test.computed else ""
            decided = choice.decision(key, language)
            rows.append(Row(said(STEPS, key, language), (value + stars, p_value, decided)))
    said_below = [choice.recommendation(language), *choice.weak_points(language), choice.head(language)]
    below = [star_note(STARS, language), *said_below, *clean_all(notes)]
    shown = said(WORDS, "title", language, outcome=choice.outcome) if title is None else title
    return Table((head,), tuple(rows), clean(shown), noted(below, language), language)
