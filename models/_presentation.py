"""What every fit can do with its table: write it, and answer in maketables' plug-in protocol."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

__all__ = ["Presented"]


def _above(name: str) -> Any:
    # Tables stand above models; by name at run time, so that the floors stay apart.
    return importlib.import_module(f"spatial.{name}")


class Presented:
    """Tables of one fit; `options` are those of `spatial.regression_table`, as ``lang="zh"``."""

    def to_docx(self, path: str | Path, **options: Any) -> Path:
        """Write the table as a Word file."""
        return Path(self._table(options).to_docx(path))

    def to_xlsx(self, path: str | Path, **options: Any) -> Path:
        """Write the table as an Excel file."""
        return Path(self._table(options).to_xlsx(path))

    def to_latex(self, path: str | Path | None = None, **options: Any) -> Any:
        """Return the table in LaTeX, or write it."""
        return self._table(options).to_latex(path)

    def to_html(self, path: str | Path | None = None, **options: Any) -> Any:
        """Return the table in HTML, or write it."""
        return self._table(options).to_html(path)

    def to_markdown(self, path: str | Path | None = None, **options: Any) -> Any:
        """Return the table in Markdown, or write it."""
        return self._table(options).to_markdown(path)

    def _table(self, options: dict[str, Any]) -> Any:
        return _above("tables").regression_table([self], **options)

    # ---- maketables' protocol: its ETable takes our fits
    @property
    def __maketables_coef_table__(self) -> Any:
        return _above("_table_maketables").coef_table(self)

    @property
    def __maketables_depvar__(self) -> Any:
        return _above("_table_maketables").depvar(self)

    @property
    def __maketables_fixef_string__(self) -> Any:
        return _above("_table_maketables").fixef_string(self)

    @property
    def __maketables_vcov_info__(self) -> Any:
        return _above("_table_maketables").vcov_info(self)

    def __maketables_stat__(self, key: str) -> Any:
        return _above("_table_maketables").stat(self, key)
