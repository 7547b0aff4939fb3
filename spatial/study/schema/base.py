"""What all sections of a study file share: closed keys, and names of outputs that stay inside."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["Columns", "Effect", "FileName", "InnerFolder", "Language", "Section", "Time"]

Time = int | str
Language = Literal["en", "zh"]
Effect = Literal["sent", "received", "direct"]

_FORBIDDEN = set('/\\:*?"<>|')


def _file_name(text: str) -> str:
    if _FORBIDDEN & set(text) or not text.isprintable():
        raise ValueError(
            'a name of an output is that of a file inside the output folder: without / \\ : * ? " < > |'
        )
    if not text.strip() or text != text.strip() or text.startswith(".") or text.endswith("."):
        raise ValueError("a name of an output has no blank and no dot at its ends")
    if re.fullmatch(r"(?i)con|prn|aux|nul|(com|lpt)\d", text):
        raise ValueError("Windows keeps this name for itself")
    return text


def _inside(text: str) -> str:
    """A folder below that of the study file; what leads out of it is refused."""
    parts = re.split(r"[/\\]", text)
    if text.startswith("~") or re.match(r"[A-Za-z]:", text) or not all(p and p != ".." for p in parts):
        raise ValueError(
            "the output folder is below that of the study file, as 'out' or 'out/paper': neither absolute "
            "nor with '..'; --out writes elsewhere"
        )
    return text


FileName = Annotated[str, AfterValidator(_file_name)]
InnerFolder = Annotated[str, AfterValidator(_inside)]
Columns = Annotated[list[str], Field(min_length=1)]


class Section(BaseModel):
    """Closed and unchanging: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)
