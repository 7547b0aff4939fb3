"""Which encoding a text is in: UTF-8 is proved by its bytes, GB18030 only made plausible by its words."""

from __future__ import annotations

import codecs

from spatial.errors import DataError

__all__ = ["check_encoding", "decode", "decode_cut", "looks_chinese", "sniff"]

# Share of the non-ASCII characters that must be everyday Chinese.  Latin-1 and Big5 bytes often
# decode as GB18030 too, into rare characters: "Orléans" becomes "Orl閍ns".
_EVERYDAY = 0.8
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def check_encoding(encoding: str) -> str:
    """Return Python's name of `encoding`, or refuse an unknown one."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise DataError(
            f"encoding={encoding!r} is not known. Use 'utf-8', 'gb18030', 'big5', 'latin-1' or another name "
            "that Python's codecs have; or leave it out to have it found."
        ) from None


def looks_chinese(data: bytes) -> bool:
    """Say whether `data` decodes as GB18030 into everyday Chinese.

    Examples
    --------
    >>> looks_chinese("北京市,地区生产总值".encode("gb18030"))
    True
    >>> looks_chinese("Orléans, Besançon".encode("latin-1"))
    False
    """
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    foreign = [character for character in text if not character.isascii()]
    return sum(map(_is_everyday, foreign)) >= _EVERYDAY * len(foreign)


def _is_everyday(character: str) -> bool:
    """Hanzi of GB 2312 (6,763 characters), and the punctuation that goes with them."""
    if "\u3000" <= character <= "\u303f" or "\uff00" <= character <= "\uffef" or character in "·—…“”‘’℃%‰²":
        return True
    if not "\u4e00" <= character <= "\u9fff":
        return False
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def sniff(data: bytes, what: str, declared: str | None = None) -> str:
    """Return the encoding of `data`: a byte order mark, strict UTF-8, what the file declares, or GB18030.

    Parameters
    ----------
    data : bytes
        All the text there is; a prefix could end inside a character, or before the first Chinese one.
    what : str
        The file's name in the message.
    declared : str, optional
        What a companion file says (.cpg).  It is believed where the bytes allow it and do not show
        that they are Chinese; wrong ones are common.

    Raises
    ------
    DataError
        Where none fits; `encoding=` then decides.

    Examples
    --------
    >>> sniff("城市".encode("gb18030"), "a.csv"), sniff("城市".encode("utf-8"), "a.csv")
    ('gb18030', 'utf-8')
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    if data.isascii() or _decodes(data, "utf-8"):
        return "utf-8"
    if looks_chinese(data):
        return "gb18030"
    if declared is not None and _is_text_encoding(declared) and _decodes(data, declared):
        return codecs.lookup(declared).name
    raise DataError(
        f"The text of {what} is neither UTF-8 nor Chinese in GB18030, so its encoding cannot be found. "
        "Pass encoding=, e.g. encoding='latin-1', 'cp1252', 'big5' or 'shift_jis'."
    )


def _is_text_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except (LookupError, TypeError, ValueError):
        return False
    return True


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def decode(data: bytes, encoding: str, what: str) -> str:
    """Decode all of `data`, or say where it fails."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{what} cannot be read as {encoding}: byte {error.start} (line {line}) does not fit. "
            "Leave encoding= out to have it found, or name another one."
        ) from None


def decode_cut(data: bytes, encoding: str) -> str:
    """Decode a text that its field may have cut in the middle of a character, which is then left out.

    Examples
    --------
    >>> decode_cut("城市代码".encode("utf-8")[:10], "utf-8")
    '城市代'
    """
    return codecs.getincrementaldecoder(encoding)().decode(data, final=False)
