"""Studies: a paper in one file.  ``run_study("study.toml")`` rebuilds all of it into one folder."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".run": (
        "StudyRunError",
        "check_study",
        "explain_study",
        "plan_study",
        "run_study",
        "shipped_study",
        "shown_texts",
    ),
    ".problems": ("StudyError",),
    ".schema.study": ("json_schema",),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
