"""Read what the page of a report reads, and write reports of small maps."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from spatial.report.building import explore
from spatial.report.payload import Settings, build_report_data

DTYPES = {"f8": "<f8", "f4": "<f4", "u2": "<u2", "u4": "<u4"}


def payload(path: Path) -> dict[str, Any]:
    """Read what the page's script reads."""
    page = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.S)
    assert found is not None
    return dict(json.loads(found[1]))


def array(packed: list[str], shape: tuple[int, ...] = (-1,)) -> Any:
    kind, text = packed
    return np.frombuffer(base64.b64decode(text), DTYPES[kind]).reshape(shape)


def p_values(data: dict[str, Any], k: int = 0) -> Any:
    """Return the p-values of a variable as the page reads them, (T, N)."""
    counts = array(data["variables"][k]["counts"], (len(data["times"]), data["n"]))
    none = counts == np.iinfo(counts.dtype).max
    return np.where(none, np.nan, counts / (2 * (data["permutations"] + 1)))


def values_of(data: dict[str, Any], k: int = 0) -> Any:
    return array(data["variables"][k]["values"], (len(data["times"]), data["n"]))


def unpacked(text: str) -> list[int]:
    """Read whole numbers of seven bits a byte, one by one."""
    found, value, scale = [], 0, 1
    for byte in base64.b64decode(text):
        value += (byte & 127) * scale
        scale *= 128
        if byte < 128:
            found.append(-(value + 1) // 2 if value % 2 else value // 2)
            value, scale = 0, 1
    return found


def report_data(parts: Any, columns: Any = "x", **options: Any) -> Any:
    _, panel, W = parts
    settings = Settings(**{"permutations": 99, **options})
    return build_report_data(panel, columns, W, settings)


def write(parts: Any, folder: Path, columns: Any = "x", **options: Any) -> Path:
    cities, panel, W = parts
    return explore(cities, panel, columns, W, folder / "r.html", **{"permutations": 99, **options})
