"""What readers call groups and chosen rows, in the language of the study."""

from __future__ import annotations

import re
from typing import Any

from .estimates import rows_of

__all__ = ["between", "condition_labels", "group_label", "labels_of_groups", "variant_words", "words_of"]


def between(language: str) -> str:
    """Return what stands between a label and what it is divided into."""
    return "：" if language == "zh" else ": "


def words_of(part: Any, language: str) -> str:
    """Return the label of a section, in the other language where this one has none."""
    return getattr(part, language) or getattr(part, "en" if language == "zh" else "zh") or ""


# What a value of `each` is called, as it is written: weights, and the unit of distance.
_WRITTEN = {
    r"knn:(\d+)": ("{0} nearest neighbours", "{0} 个近邻"),
    r"band:([\d.]+)": ("within {0} km", "{0} 千米以内"),
    r"kernel:([\d.]+)": ("kernel, {0} km", "核函数，{0} 千米"),
    r"inverse:1": ("inverse distance", "反距离"),
    r"inverse:1:([\d.]+)": ("inverse distance, {0} km", "反距离，{0} 千米以内"),
    r"inverse:2": ("inverse square distance", "反距离平方"),
    r"inverse:2:([\d.]+)": ("inverse square distance, {0} km", "反距离平方，{0} 千米以内"),
    r"queen": ("queen contiguity", "queen 邻接"),
    r"rook": ("rook contiguity", "rook 邻接"),
    r"unit_km = ([\d.]+)": ("unit of distance {0} km", "距离单位 {0} 千米"),
}


def variant_words(name: str, language: str) -> str:
    """Return what readers call a variant that nobody named: several with " + " between them.

    Examples
    --------
    >>> variant_words("knn:5 + unit_km = 10.0", "zh"), variant_words("power = 3", "en")
    ('5 个近邻 + 距离单位 10 千米', 'power = 3')
    """
    return " + ".join(_written(part, language) for part in name.split(" + "))


def _written(part: str, language: str) -> str:
    for pattern, words in _WRITTEN.items():
        if found := re.fullmatch(pattern, part):
            return words[language == "zh"].format(*(f"{float(number):g}" for number in found.groups()))
    return part


def group_label(values: Any, by: str, group: Any) -> str:
    """Return what readers call a group: its label, or the value."""
    name = str(group).lower() if isinstance(group, bool) else str(group)
    part = values.study.groups.get(by)
    words = part.labels.get(name, {}) if part is not None else {}
    language = values.study.language
    other: Any = "en" if language == "zh" else "zh"
    return str(words.get(language) or words.get(other) or name)


def labels_of_groups(values: Any, by: str) -> dict[str, str]:
    """Return what readers call the groups of a column, where [groups] has words for them."""
    part = values.study.groups.get(by)
    return {} if part is None else {name: group_label(values, by, name) for name in part.labels}


def condition_labels(values: Any) -> dict[str, str]:
    """Return what readers call the conditions of samples and groups, as the row of a table shows them."""
    study, found = values.study, dict[str, str]()
    for part in study.samples.values():
        label = words_of(part, study.language)
        found |= {part.where: label} if label else {}
    for name, one in values.fits.items():
        if one.group is None:
            continue
        part = values.part(name)
        text = rows_of(part, one.group)["where"]
        own = [found.get(part.where, part.where)] if part.where is not None else []
        shown = f"{values.label(part.by)}{between(study.language)}{group_label(values, part.by, one.group)}"
        found[text] = ("，" if study.language == "zh" else ", ").join([*own, shown])
    return found
