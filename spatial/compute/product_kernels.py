"""The compiled part of sparse times dense: a kernel for each width, whose sums stay in registers.

What a row of the product gathers lies anywhere in memory, and a processor that looks some forty links ahead
waits for it.  So each link also asks for what a link further on will need.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba as nb
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from .compiled import compiled

__all__ = ["WIDEST", "multiply_of"]

WIDEST = 16  # columns: two cache lines, two registers of AVX-512
_AHEAD = 128  # links

_INDICES = nb.types.Array(nb.int32, 1, "C", readonly=True)
_POINTERS = nb.types.Array(nb.int64, 1, "C", readonly=True)
_GIVEN = nb.types.Array(nb.float64, 1, "C", readonly=True)
_MADE = nb.types.Array(nb.float64, 1, "C")
_LONG, _INT, _BYTES = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()
_ASK = ir.FunctionType(ir.VoidType(), [_BYTES, _INT, _INT, _INT])


@intrinsic(prefer_literal=True)  # type: ignore[misc, unused-ignore]
def _sum_links(_, width, links, first, last, ahead, rows, stride, out, target):  # type: ignore[no-untyped-def]
    """Put the sum over links of data * rows[index * stride :][:width] into out[target:][:width].

    In LLVM's own words, for numba has no vectors: an array of sums would be read and written at each link.
    """
    m = width.literal_value
    vector = ir.VectorType(ir.DoubleType(), m)
    nothing = ir.Constant(vector, ir.Undefined)
    everywhere = ir.Constant(ir.VectorType(_INT, m), [0] * m)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def pointer(kind: Any, array: Any) -> Any:
            return context.make_array(kind)(context, builder, array).data

        indices, data = (pointer(signature.args[1][k], builder.extract_value(args[1], k)) for k in (0, 1))
        given, made = (pointer(signature.args[k], args[k]) for k in (5, 7))
        ask = builder.module.declare_intrinsic("llvm.prefetch", [_BYTES], _ASK)

        def row_of(link: Any) -> Any:
            unit = builder.sext(builder.load(builder.gep(indices, [link])), _LONG)
            return builder.gep(given, [builder.mul(unit, args[6])])

        total = cgutils.alloca_once(builder, vector)  # type: ignore[no-untyped-call, unused-ignore]
        builder.store(ir.Constant(vector, [0.0] * m), total)
        with cgutils.for_range_slice(builder, args[2], args[3], _LONG(1), inc=True) as (link, _):
            soon = row_of(builder.add(link, args[4]))
            for column in sorted({0, m - 1, *range(0, m - 2, 8)}):  # one of each cache line
                place = builder.bitcast(builder.gep(soon, [_LONG(column)]), _BYTES)
                builder.call(ask, [place, _INT(0), _INT(3), _INT(1)])
            weight = builder.load(builder.gep(data, [link]))
            weights = builder.shuffle_vector(
                builder.insert_element(nothing, weight, _INT(0)), nothing, everywhere
            )
            row = builder.load(builder.bitcast(row_of(link), vector.as_pointer()), align=8)
            builder.store(builder.fadd(builder.load(total), builder.fmul(weights, row)), total)
        place = builder.bitcast(builder.gep(made, [args[8]]), vector.as_pointer())
        builder.store(builder.load(total), place, align=8)
        return context.get_dummy_value()

    return nb.void(width, links, first, last, ahead, rows, stride, out, target), codegen


@cache
def multiply_of(width: int) -> Any:
    """Return the kernel for blocks of so many columns, 1 to `WIDEST`; compiled when it is first asked for."""

    @compiled(nb.void(_POINTERS, _INDICES, _GIVEN, _GIVEN, _MADE, nb.int64, nb.int64, nb.int64))
    def multiply(indptr, indices, data, rows, out, stride, start, stop):  # type: ignore[no-untyped-def]
        """Put rows `start` to `stop` of the product into the first `width` columns of out."""
        end = indptr[stop]
        for i in range(start, stop):
            first, last = indptr[i], indptr[i + 1]
            ahead = _AHEAD if last + _AHEAD <= end else 0
            links = indices, data
            _sum_links(width, links, first, last, ahead, rows, stride, out, i * stride)  # type: ignore[call-arg]

    return multiply
