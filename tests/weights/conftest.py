"""Maps that tests of weights share."""

from __future__ import annotations

from typing import Any

import pytest
from polygon_cases import layer
from shapely import box


@pytest.fixture
def quarters() -> Any:
    """Four squares about a point, and one far away."""
    return layer(
        {
            "a": box(0, 0, 1, 1),
            "b": box(1, 0, 2, 1),
            "c": box(0, 1, 1, 2),
            "d": box(1, 1, 2, 2),
            "e": box(5, 0, 6, 1),
        }
    )
