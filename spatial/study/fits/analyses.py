"""What comes after a fit: mechanisms, moderations, heterogeneity, each one public function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spatial.study.calls import Ref, call
from spatial.study.schema.analyses import Heterogeneity, Mechanism, Moderation
from spatial.study.schema.study import Study

from .estimates import covariance_call, given_keys, rows_of
from .named import resolved, sections

__all__ = ["ANALYSES", "analyses", "analysis_call", "analysis_columns"]

ANALYSES = ("mechanisms", "moderations", "heterogeneity")


def analyses(study: Study) -> Iterator[tuple[str, int, Any]]:
    """Yield section, number and content of each."""
    for section in ANALYSES:
        for number, part in enumerate(getattr(study, section)):
            yield section, number, part


def analysis_columns(part: Any) -> list[str]:
    """Return the columns that it reads besides those of its fit."""
    return list(getattr(part, "mediators", None) or part.by)


def analysis_call(study: Study, part: Any) -> Any:
    """Return what an analysis calls."""
    match part:
        case Mechanism():
            section, number = next((s, k) for s, k, one in sections(study) if one.name == part.of)
            of = resolved(study, section, number)
            options = given_keys(part, "style", "bootstrap", "interval", "level")
            options |= {"seed": study.seed, "effects": tuple(of.effects)}
            options |= {"cov": covariance_call(of.cov, study.seed)}
            options |= {} if part.W is None else {"W": Ref("weights", part.W)}
            given = (of.formula, Ref("panel"), part.treatment, part.mediators)
            return call("models.mechanism", *given, **options, **rows_of(of))
        case Moderation():
            options = given_keys(part, "centre", "equation", "level")
            return call("models.moderation", Ref("fit", part.of), part.treatment, part.by, **options)
        case Heterogeneity():
            options = given_keys(part, "test", "terms", "permutations")
            return call("models.heterogeneity", Ref("fit", part.of), part.by, **options, seed=study.seed)
    raise TypeError(part)
