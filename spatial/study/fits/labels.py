"""What readers call groups and chosen rows, in the language of the study."""

from __future__ import annotations

from typing import Any

from .estimates import rows_of

__all__ = ["between", "condition_labels", "group_label", "words_of"]


def between(language: str) -> str:
    """Return what stands between a label and what it is divided into."""
    return "：" if language == "zh" else ": "


def words_of(part: Any, language: str) -> str:
    """Return the label of a section, in the other language where this one has none."""
    return getattr(part, language) or getattr(part, "en" if language == "zh" else "zh") or ""


def group_label(values: Any, by: str, group: Any) -> str:
    """Return what readers call a group: its label, or the value."""
    name = str(group).lower() if isinstance(group, bool) else str(group)
    part = values.study.groups.get(by)
    words = part.labels.get(name, {}) if part is not None else {}
    language = values.study.language
    other: Any = "en" if language == "zh" else "zh"
    return str(words.get(language) or words.get(other) or name)


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
