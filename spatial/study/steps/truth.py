"""True values beside estimates: what a simulated sample lets a study show."""

from __future__ import annotations

import re

import pandas as pd

from spatial.errors import DataError
from spatial.study.schema.weights import Weights
from spatial.study.values import Refusal, Values

from .terms import usable

__all__ = ["truth_frame"]


def truth_frame(values: Values, fits: list[str], terms: list[str] | None = None) -> pd.DataFrame:
    """Return one row for each coefficient whose truth is known: true value, estimate, interval, covered."""
    sample = values.loaded.sample
    known = sample.truth.set_index(["equation", "term"])["value"]
    rows = []
    for name in usable(values, values.named(fits))[0]:
        fit = values.fit(name)
        if isinstance(fit, Refusal):
            continue
        for row in fit.tidy().to_dict("records"):
            key = (row["equation"], _as_in_the_process(values, str(row["term"])))
            if key not in known.index or (terms is not None and row["term"] not in terms):
                continue
            truth, low, high = float(known[key]), row["conf_low"], row["conf_high"]
            rows.append(
                {
                    "fit": name,
                    "equation": row["equation"],
                    "term": row["term"],
                    "truth": truth,
                    "estimate": row["estimate"],
                    "conf_low": low,
                    "conf_high": high,
                    "covered": bool(low <= truth <= high),
                }
            )
    if not rows:
        raise DataError(
            f"The sample knows the truth of no coefficient of {', '.join(fits)}. It knows: "
            f"{', '.join(f'{equation}: {term}' for equation, term in known.index)}."
        )
    return pd.DataFrame(rows)


def _as_in_the_process(values: Values, term: str) -> str:
    """Return a term with weights of the process called W, as its truth calls them."""
    found = re.fullmatch(r"(\w+)\((.*)\)", term)
    part = values.study.weights.get(found[1]) if found else None
    if found is None or not isinstance(part, Weights) or part.normalisation != "row":
        return term
    return f"W({found[2]})" if part.spec == values.loaded.sample.weights else term
