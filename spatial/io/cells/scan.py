"""The compiled pass over separated text: the cells of each row counted, numbers read, texts told apart.

What is not plain stops it: the caller then asks pandas, or says what is wrong.  A place in the text is made
one without sign where it is looked up, or each look would ask whether it counts from the end.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from spatial.compute.compiled import compiled

from .decimals import EXACT, LARGEST, nearest

__all__ = ["DONE", "FULL", "KEPT", "NO_NUMBER", "NO_ROW", "placed", "scan"]

DONE, NO_NUMBER, NO_ROW, FULL = range(4)
KEPT = 7
"""Bytes of a text that its key holds; longer texts are compared letter by letter."""

_u64, _i64 = np.uint64, np.int64
_LINE_FEED, _RETURN, _QUOTE, _TAB, _BLANK, _MINUS, _PLUS = 10, 13, 34, 9, 32, 45, 43
_DIGITS = 19  # a uint64 holds all numbers of so many
_BYTE, _TEN, _ZERO, _NONE = _u64(8), _u64(10), _u64(48), _u64(0)
_LONG, _TOP, _WIDE = _u64(255 << 56), _u64(56), _u64(2**53)
_MIX, _SPREAD = _u64(0x9E3779B97F4A7C15), _u64(0xD6E8FEB86659FD93)
_NO, _WHOLE, _FLOAT = range(3)
_NAN = int(np.float64(np.nan).view(np.int64))

_RAW = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_GIVEN = nb.types.Array(nb.float64, 1, "C", readonly=True)
_FOUND = nb.types.UniTuple(nb.int64, 4)  # type: ignore[no-untyped-call, unused-ignore]


@nb.njit(inline="always")
def _number(raw, p, decimal, tens, fives):  # type: ignore[no-untyped-def]
    """Return whether a whole or another number stands at p, its bits as int64, and where it ends."""
    negative = raw[_u64(p)] == _MINUS
    if negative:
        p += 1
    w, first = _NONE, p
    digit = _u64(raw[_u64(p)]) - _ZERO
    while digit < _TEN:
        w = w * _TEN + digit
        p += 1
        digit = _u64(raw[_u64(p)]) - _ZERO
    digits, power, kind = p - first, 0, _WHOLE
    if raw[_u64(p)] == decimal:
        kind = _FLOAT
        p += 1
        start = p
        digit = _u64(raw[_u64(p)]) - _ZERO
        while digit < _TEN:
            w = w * _TEN + digit
            p += 1
            digit = _u64(raw[_u64(p)]) - _ZERO
        digits += p - start
        power = start - p
    if digits == 0:
        return _NO, 0, p
    if digits > _DIGITS:  # zeros in front do not count
        place = first
        while raw[place] == _ZERO or raw[place] == decimal:
            digits -= raw[place] == _ZERO
            place += 1
        if digits > _DIGITS:
            return _NO, 0, p
    if raw[_u64(p)] == 101 or raw[_u64(p)] == 69:  # e, E
        kind = _FLOAT
        p += 1
        below = raw[_u64(p)] == _MINUS
        if below or raw[_u64(p)] == _PLUS:
            p += 1
        start, exponent = p, 0
        while 48 <= raw[_u64(p)] <= 57 and p < start + 4:
            exponent = exponent * 10 + raw[_u64(p)] - 48
            p += 1
        if p == start:
            return _NO, 0, p
        power += -exponent if below else exponent
    if kind == _WHOLE:
        # Minus zero is one number as an integer, another as a float.
        if w >> _u64(63) != _NONE or (negative and w == _NONE):
            return _NO, 0, p
        return _WHOLE, -_i64(w) if negative else _i64(w), p
    if w < _WIDE and -EXACT <= power <= EXACT:
        value = np.float64(_i64(w))
        value = value / tens[-power] if power < 0 else value * tens[power]
        return _FLOAT, np.float64(-value if negative else value).view(np.int64), p
    bits = _NONE
    if w != _NONE and -LARGEST <= power <= LARGEST:
        bits = nearest(w, power, fives)
    if bits == _NONE:
        return _NO, 0, p
    return _FLOAT, _i64(bits | (_u64(negative) << _u64(63))), p


@nb.njit(inline="always")
def _text(raw, p, separator):  # type: ignore[no-untyped-def]
    """Return where the text of the cell at p begins and ends, where the cell ends, and the text's key.

    A quote in the middle of a cell ends it, so that what follows is no separator.
    """
    quoted = raw[_u64(p)] == _QUOTE
    if quoted:
        p += 1
    start, key = p, _NONE
    stop = np.uint8(_QUOTE) if quoted else separator
    letter = raw[_u64(p)]
    while letter != stop and letter != _LINE_FEED and letter != _QUOTE and letter != _RETURN:
        key = (key << _BYTE) | _u64(letter)
        p += 1
        letter = raw[_u64(p)]
    end = p
    if end - start > KEPT:
        for k in range(start, end):
            key = (key ^ _u64(raw[k])) * _MIX
        key |= _LONG
    if quoted:
        p = p + 1 if letter == _QUOTE else start  # a quote that is not closed: no separator follows it
    return start, end, p, key


@nb.njit(inline="always")
def _same(raw, a, b, length):  # type: ignore[no-untyped-def]
    k = 0
    while k < length and raw[a + k] == raw[b + k]:
        k += 1
    return k == length


@nb.njit(inline="always")
def _place(key, mask):  # type: ignore[no-untyped-def]
    return _i64((key * _SPREAD) >> _u64(32)) & mask


@compiled(
    _FOUND(
        _RAW, nb.int64, nb.int64, nb.uint8, nb.uint8, nb.uint8[::1], nb.uint64[::1], _GIVEN,
        nb.uint64[:, ::1],
        nb.int64[:, ::1], nb.float64[:, ::1], nb.uint8[::1],
        nb.int32[:, ::1], nb.int32[:, ::1], nb.uint64[:, ::1], nb.int64[:, :, ::1], nb.int64[::1],
    )
)  # fmt: skip
def scan(  # type: ignore[no-untyped-def]
    raw, p, row, separator, decimal, is_number, missing, tens, fives, whole, floats, is_float,
    codes, slots, keys, spans, found,
):  # fmt: skip
    """Read rows from place p on while they are plain; return why it stopped, column, row and place.

    Parameters
    ----------
    raw : bytes that end with a line feed
    p, row : place of the first row, and its number
    is_number : 1 for columns of numbers, 0 for columns of texts
    missing : keys of the texts that mean a missing number
    whole, floats : (columns of numbers, rows); the same memory
    is_float : which columns of numbers hold floats so far
    codes : (columns of texts, rows); which text of its column a cell is
    slots, keys, spans, found : by column of texts: the hash table, and of each text its key, its place and
        length, and how many there are
    """
    width, mask, most = len(is_number), slots.shape[1] - 1, keys.shape[1]
    while p < len(raw):
        if raw[_u64(p)] == _LINE_FEED:
            p += 1
            continue
        begin, number, text = p, 0, 0
        if raw[_u64(p)] == _BLANK or (raw[_u64(p)] == _TAB and separator != _TAB) or raw[_u64(p)] == _RETURN:
            return NO_ROW, 0, row, begin
        for column in range(width):
            if is_number[column]:
                kind, bits, end = _number(raw, p, decimal, tens, fives)
                if kind == _NO or not (
                    raw[end] == separator or raw[end] == _LINE_FEED or raw[end] == _RETURN
                ):
                    start, stop, end, key = _text(raw, p, separator)
                    is_missing = False
                    for k in range(len(missing)):
                        is_missing |= missing[k] == key
                    if not is_missing:
                        return NO_NUMBER, column, row, begin
                    kind, bits = _FLOAT, _NAN
                if kind == _FLOAT and not is_float[number]:
                    is_float[number] = 1
                    for k in range(row):
                        floats[number, k] = whole[number, k]
                if kind == _WHOLE and is_float[number]:
                    bits = np.float64(bits).view(np.int64)
                whole[number, row] = bits
                number += 1
            else:
                start, stop, end, key = _text(raw, p, separator)
                place = _place(key, mask)
                while True:
                    code = slots[text, place]
                    if code < 0:
                        if found[text] == most:
                            return FULL, column, row, begin
                        code = np.int32(found[text])
                        found[text] += 1
                        slots[text, place], keys[text, code] = code, key
                        spans[text, code, 0], spans[text, code, 1] = start, stop - start
                        break
                    length = spans[text, code, 1]
                    if keys[text, code] == key and (
                        stop - start <= KEPT
                        or (length == stop - start and _same(raw, spans[text, code, 0], start, length))
                    ):
                        break
                    place = (place + 1) & mask
                codes[text, row] = code
                text += 1
            p = end
            if column < width - 1:
                if raw[_u64(p)] != separator:
                    return NO_ROW, column, row, begin
                p += 1
        if raw[_u64(p)] == _RETURN:
            p += 1
        if raw[_u64(p)] != _LINE_FEED:
            return NO_ROW, width, row, begin
        p += 1
        row += 1
    return DONE, 0, row, p


@compiled(nb.void(nb.uint64[:, ::1], nb.int64[::1], nb.int32[:, ::1]))
def placed(keys, found, slots):  # type: ignore[no-untyped-def]
    """Put the texts found so far into a larger hash table, which holds -1 throughout."""
    mask = slots.shape[1] - 1
    for column in range(len(found)):
        for code in range(found[column]):
            place = _place(keys[column, code], mask)
            while slots[column, place] >= 0:
                place = (place + 1) & mask
            slots[column, place] = code
