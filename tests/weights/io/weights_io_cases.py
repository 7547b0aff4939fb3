"""Small cases that several test files share."""

from __future__ import annotations

import struct

import numpy as np

from spatial.weights import Weights


def same(back: Weights, W: Weights) -> None:
    """Ids with their type and order, and weights bit by bit."""
    assert back.ids.tolist() == W.ids.tolist()
    assert [type(i) for i in back.ids.tolist()] == [type(i) for i in W.ids.tolist()]
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(back.sparse, part), getattr(W.sparse, part))


SMALL = Weights.from_dense([[0, 0.25, 0.75], [1 / 3, 0, 0], [1, 0, 0]], ids=[11, 12, 13])


BINARY = SMALL.binary()


def swm_bytes(header: str, integer: str, n: int, records: list[tuple[int, list[int], list[float]]]) -> bytes:
    """Compose an .swm by the layout of ArcGIS, independently of the writer."""
    out = header.encode() + struct.pack(f"<2{integer}", n, 1)
    for unit, names, values in records:
        out += struct.pack(f"<2{integer}", unit, len(names))
        if names:
            out += struct.pack(f"<{len(names)}{integer}", *names)
            out += struct.pack(f"<{len(values)}d", *values) + struct.pack("<d", 9.5)
    return out
