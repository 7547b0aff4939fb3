"""Small cases that several test files share."""

from __future__ import annotations

from spatial.tables.regression import (
    Table,
)


def cells(table: Table, label: str) -> list[str]:
    """Return the cells of the first row with this label."""
    return list(next(row.cells for row in table.rows if row.label == label))
