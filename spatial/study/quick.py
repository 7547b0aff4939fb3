"""Runs of other sizes, in folders of their own: a quick one, said on every page, and a full one."""

from __future__ import annotations

from typing import Any

from .schema.base import Section
from .schema.questions import MonteCarlo
from .schema.study import Study

__all__ = ["MOST", "filled", "quickened"]

MOST = 99
"""Permutations, draws, resamples and placebos of a quick run."""
_DRAWN = ("permutations", "draws", "bootstrap", "placebo")


def quickened(study: Study) -> Study:
    """Return the study with at most 99 draws of each kind, small Monte Carlo, and a folder of its own.

    Examples
    --------
    >>> study = Study.model_validate({"data": {"sample": "nc"}, "report": {"columns": ["crmrte"]}})
    >>> quickened(study).report.permutations, quickened(study).output
    (99, 'out-quick')
    """
    less: Study = _less(study)
    return less.model_copy(update={"output": f"{study.output}-quick"})


def filled(study: Study) -> Study:
    """Return the study with Monte Carlo at full size, and a folder of its own.

    Examples
    --------
    >>> draws = {"name": "draws", "fits": ["a"], "replications": 20, "full": 200}
    >>> study = Study.model_validate({"data": {"sample": "sun-simulated"}, "monte_carlo": [draws]})
    >>> filled(study).monte_carlo[0].replications, filled(study).output
    (200, 'out-full')
    """
    more = [
        part.model_copy(update={"replications": max(part.replications, part.full)})
        for part in study.monte_carlo
    ]
    return study.model_copy(update={"monte_carlo": more, "output": f"{study.output}-full"})


def _less(value: Any) -> Any:
    if isinstance(value, Section):
        found: dict[str, Any] = {key: _less(getattr(value, key)) for key in type(value).model_fields}
        for key in _DRAWN:
            if isinstance(found.get(key), int):
                found[key] = min(found[key], MOST)
        if isinstance(value, MonteCarlo):
            found["replications"] = min(value.replications, value.small)
        # Only what changed: `like` asks which keys a section gives.
        return value.model_copy(update={k: new for k, new in found.items() if new != getattr(value, k)})
    if isinstance(value, list):
        return [_less(one) for one in value]
    return {key: _less(one) for key, one in value.items()} if isinstance(value, dict) else value
