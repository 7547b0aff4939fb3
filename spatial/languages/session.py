"""The language of a session: of what results, notes, warnings and refusals say, and of figures and tables."""

from __future__ import annotations

from spatial.errors import hinted, speak
from spatial.words import Said, check_language, in_force, put_in_force

from .messages import in_language

__all__ = ["language"]


@hinted
class language:  # noqa: N801 - it is called as a function
    """Speak a language from here on, or only within a ``with``.

    `summary`, notes, warnings and refusals speak it, and figures, maps, tables, layers and reports that are
    given no ``lang=``.  It holds for the whole process; a process that starts with the environment variable
    ``SPATIAL_LANG=zh`` begins in Chinese.

    Parameters
    ----------
    lang : "en" or "zh"

    Raises
    ------
    DataError
        For a language that has no words here.

    Notes
    -----
    Names of columns in the frames of `tidy` and `glance` are code and stay as they are, and so do arguments
    and files of numbers.  `args` of an error or a warning keep the English, as filters of warnings do.

    Examples
    --------
    >>> import spatial as sp
    >>> nc = sp.shapefiles.load("nc")
    >>> found = sp.moran(nc["sid74"], sp.weights.contiguity(nc), permutations=99)
    >>> with sp.language("zh"):
    ...     print(found.summary().splitlines()[0])
    sid74 的莫兰指数：0.119089（期望值 -0.010101，n = 100）
    """

    def __init__(self, lang: str) -> None:
        if lang is None:
            lang = ""
        self.lang = check_language(lang)
        self._before = put_in_force(self.lang)

    def __enter__(self) -> language:
        """Return the language; it is in force already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Speak again what was spoken before."""
        put_in_force(self._before)

    def __repr__(self) -> str:
        """Name the language."""
        return f"<language {self.lang!r}>"


def _in_force(text: str) -> str:
    """Say a message in the language in force."""
    if in_force() == "en" or not isinstance(text, str):
        return str(text)
    return text.again("zh") if isinstance(text, Said) else in_language(text, "zh")


speak(_in_force)
