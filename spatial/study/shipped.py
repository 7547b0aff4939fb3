"""Study files that ship: the commented starter, and the study of a sample."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from spatial import shapefiles

__all__ = ["shipped_study", "starter"]


def starter() -> str:
    """Return the commented study file that `spatial new` writes; it runs as it is, on data that ship.

    Examples
    --------
    >>> starter().splitlines()[0]
    '# A study: everything that a paper needs, from data to tables, in one file.'
    """
    return files("spatial.study").joinpath("template.toml").read_text(encoding="utf-8")


def shipped_study(name: str = "nc") -> Path:
    """Return the study file that ships with a sample, to run or to copy.

    Examples
    --------
    >>> shipped_study().name
    'study.toml'
    """
    return shapefiles.path(name).with_name("study.toml")
