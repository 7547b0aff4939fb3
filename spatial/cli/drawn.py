"""What `spatial data NAME` says of samples that are drawn: columns, labels, tables, truth."""

from __future__ import annotations

from typing import Any

from spatial.shapefiles import load_sample, sample_contents
from spatial.shapefiles._samples import SAMPLES
from spatial.words import tell

__all__ = ["drawn_samples", "sample_facts", "sample_text"]


def drawn_samples() -> list[str]:
    """Return the names of the samples that are drawn.

    Examples
    --------
    >>> drawn_samples()
    ['sun-simulated', 'bai-simulated', 'smart-city-simulated']
    """
    return [name for name, found in SAMPLES.items() if found.simulated]


def sample_facts(name: str) -> dict[str, Any]:
    """Return what a sample holds, for programs."""
    found = load_sample(name)
    english, chinese = found.labels("en"), found.labels("zh")
    panel, truth = found.panel, found.truth
    columns = {
        str(c): {"en": english.get(str(c), str(c)), "zh": chinese.get(str(c), str(c))} for c in panel.columns
    }
    return {
        "name": name,
        "simulated": True,
        "units": panel.n_units,
        "times": [panel.times[0].item(), panel.times[-1].item()],
        "rows": len(panel.frame),
        "columns": columns,
        "tables": list(sample_contents(name).tables),
        "weights": found.weights,
        "truth": [] if truth is None else truth.to_dict("records"),
    }


def sample_text(name: str) -> str:
    """Return what a sample holds, for people."""
    facts = sample_facts(name)
    first, last = facts["times"]
    width = max(len(column) for column in facts["columns"])
    lines = [
        tell(f"{name}: drawn with known truth, not observed", f"{name}：模拟数据，真值已知，并非观测"),
        tell(
            f"{facts['units']} units x {first}-{last}, {facts['rows']:,} rows",
            f"{facts['units']} 个个体 × {first}-{last}，{facts['rows']:,} 行",
        ),
        "",
        *(f"  {column:<{width}}  {words['en']}  {words['zh']}" for column, words in facts["columns"].items()),
    ]
    if facts["tables"]:
        lines += ["", tell("Tables of industries: ", "分产业表：") + ", ".join(facts["tables"])]
    named = facts["weights"]
    weights = tell(f"; W is {named}, row-standardised", f"；W 为 {named}，行标准化") if named else ""
    lines += ["", tell("Truth (equation: term = value)", "真值（方程：变量 = 值）") + weights]
    lines += [
        f"  {row['equation']}: {row['term']} = {row['value']:g}  ({row['note']})" for row in facts["truth"]
    ]
    return "\n".join(lines)
