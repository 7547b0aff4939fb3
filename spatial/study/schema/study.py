"""What may stand in a study file: one small model for each section, and the JSON Schema of them all."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from .analyses import Heterogeneity, Mechanism, Moderation
from .base import InnerFolder, Language, Names, Section
from .data import Cleaning, Data, Group, Rows, Variable
from .figures import Figure
from .layers import Layers, Report
from .measures import Measure
from .models import Diagnostics, Did, Regression, System, Threshold, Tobit
from .questions import MonteCarlo, Printed, Select, Sensitivity, Test
from .tables import Table
from .variants import Robustness
from .weights import AnyWeights

__all__ = ["NAMED", "Study", "as_lists", "json_schema"]

NAMED = (
    "measures",
    "systems",
    "regressions",
    "tobits",
    "thresholds",
    "did",
    "mechanisms",
    "moderations",
    "heterogeneity",
    "robustness",
    "tests",
    "sensitivity",
    "select",
    "monte_carlo",
    "tables",
    "figures",
    "layers",
)
"""Sections whose parts have names: [[section]] with name = "NAME", or [section.NAME]; both mean the same."""


class Study(Section):
    """A paper in one file."""

    title: str = ""
    en: str = ""
    """The title in English, where `title` is in another language."""
    zh: str = ""
    language: Language = "en"
    seed: Annotated[int, Field(ge=0)] = 0
    output: InnerFolder = "out"
    """Folder of the results, below that of the study file."""
    data: Data
    cleaning: list[Cleaning] = Field([])
    """In this order; a column is cleaned as soon as it exists, and before anything reads it."""
    measures: list[Measure] = Field([])
    variables: dict[str, Variable] = Field({})
    terms: dict[str, Annotated[list[Annotated[str, Names("terms")]], Field(min_length=1)]] = Field({})
    """Lists of terms: in a formula the name stands for their sum, and W(name) for the sum of their lags."""
    groups: dict[str, Group] = Field({})
    """Divisions of rows, each a column of its name."""
    samples: dict[str, Rows] = Field({})
    """Rows that are chosen more than once, by name."""
    weights: dict[str, AnyWeights] = Field({})
    diagnostics: list[Diagnostics] = Field([])
    systems: list[System] = Field([])
    regressions: list[Regression] = Field([])
    tobits: list[Tobit] = Field([])
    thresholds: list[Threshold] = Field([])
    did: list[Did] = Field([])
    mechanisms: list[Mechanism] = Field([])
    moderations: list[Moderation] = Field([])
    heterogeneity: list[Heterogeneity] = Field([])
    robustness: list[Robustness] = Field([])
    tests: list[Test] = Field([])
    sensitivity: list[Sensitivity] = Field([])
    select: list[Select] = Field([])
    monte_carlo: list[MonteCarlo] = Field([])
    printed: dict[str, Printed] = Field({})
    """Tables typed from a paper, to stand beside ours and to be checked."""
    tables: list[Table] = Field([])
    figures: list[Figure] = Field([])
    layers: list[Layers] = Field([])
    report: Report | None = None

    @property
    def heading(self) -> str:
        """The title in the language of the study."""
        return (self.en if self.language == "en" else self.zh) or self.title


def as_lists(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a file with [section.NAME] as [[section]] with name = "NAME".

    Examples
    --------
    >>> as_lists({"regressions": {"fe": {"formula": "y ~ x"}}})
    {'regressions': [{'name': 'fe', 'formula': 'y ~ x'}]}
    """
    found = dict(content)
    for section in NAMED:
        parts = found.get(section)
        if isinstance(parts, dict):
            found[section] = [
                {"name": name, **part} if isinstance(part, dict) else part for name, part in parts.items()
            ]
    return found


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a study file, for editors that complete and check TOML.

    Examples
    --------
    >>> sorted(json_schema()["properties"])[:3]
    ['cleaning', 'data', 'diagnostics']
    """
    schema = Study.model_json_schema()
    definitions = schema["$defs"]
    for section in NAMED:
        found = schema["properties"][section]
        items = found["items"]
        refs = [part["$ref"].rsplit("/", 1)[1] for part in items.get("oneOf", [items])]
        for ref in refs:
            part = copy.deepcopy(definitions[ref])
            part["required"] = [key for key in part.get("required", []) if key != "name"]
            definitions[f"{ref}ByName"] = part
        by_name = {"type": "object", "additionalProperties": _one_of(refs, definitions)}
        described = {key: found[key] for key in ("description", "default") if key in found}
        schema["properties"][section] = {
            "anyOf": [{"type": "array", "items": items}, by_name],
            **described,
        }
    variants = definitions["Robustness"]["properties"]["variants"]
    named = copy.deepcopy(definitions["Variant"])
    named["required"] = [key for key in named.get("required", []) if key != "name"]
    definitions["VariantByName"] = named
    by_name = {"type": "object", "additionalProperties": {"$ref": "#/$defs/VariantByName"}}
    listed = {key: variants.pop(key) for key in ("type", "items") if key in variants}
    variants["anyOf"] = [listed, by_name]
    for name in ("Robustness", "RobustnessByName"):
        definitions[name]["properties"]["variants"] = variants
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _one_of(refs: list[str], definitions: dict[str, Any]) -> dict[str, Any]:
    """Choose among kinds by `kind`: an anyOf of all would only say that none of them fits."""
    if len(refs) == 1:
        return {"$ref": f"#/$defs/{refs[0]}ByName"}
    kinds = {kind: ref for ref in refs for kind in _kinds(definitions[ref]["properties"]["kind"])}
    choices = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/{ref}ByName"},
        }
        for kind, ref in kinds.items()
    ]
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(kinds)}},
        "allOf": choices,
    }


def _kinds(of: dict[str, Any]) -> list[str]:
    return list(of.get("enum", [of.get("const")]))
