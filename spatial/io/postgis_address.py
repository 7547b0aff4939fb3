"""The address of a database: what the driver gets, and what a person may see of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

from spatial.errors import DataError

from .sources import without_password

__all__ = ["Address", "parse_address"]


@dataclass(frozen=True)
class Address:
    """A database's address.

    Attributes
    ----------
    url : str
        For the driver, with the password; never shown, nor printed with the object.
    shown : str
        The same without the password.
    schema : str, optional
        Of ``?schema=``, which is ours and not the driver's.
    options : tuple of str
        Names of the other options after the question mark.
    secrets : tuple of str
        The password as it is written and as it is meant.
    """

    url: str = field(repr=False)
    shown: str
    schema: str | None
    options: tuple[str, ...]
    secrets: tuple[str, ...] = field(repr=False)

    def scrub(self, text: object) -> str:
        """Return what a driver said, in one line and without the password.

        Examples
        --------
        >>> parse_address("postgresql://anna:s%20t@host/db").scrub("no such option 's t'")
        "no such option '***'"
        """
        clean = without_password(" ".join(str(text).split()))
        for secret in self.secrets:
            clean = clean.replace(secret, "***")
        return clean.rstrip(". ")


def parse_address(source: str) -> Address:
    """Take an address apart; only what the driver would misread is refused.

    Examples
    --------
    >>> address = parse_address("postgresql+psycopg://anna:secret@host/db?schema=my%20maps&sslmode=require")
    >>> address.schema, address.options, address.shown
    ('my maps', ('sslmode',), 'postgresql+psycopg://anna:***@host/db?schema=my%20maps&sslmode=require')
    """
    shown = without_password(source)
    rest = source.partition("://")[2]
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in source):
        raise DataError(f"The address {shown!r} holds a control character, such as a line break.")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    _refuse_unwritten_signs(authority, rest, shown)
    place, _, query = rest.partition("?")
    parts = [part for part in query.split("&") if part]
    names = [unquote_plus(part.partition("=")[0]) for part in parts]
    schemas = [
        unquote(part.partition("=")[2]) for part, name in zip(parts, names, strict=True) if name == "schema"
    ]
    if len(schemas) > 1 or schemas == [""]:
        raise DataError(f"The address {shown!r} must name one schema: ...?schema=name.")
    kept = [part for part, name in zip(parts, names, strict=True) if name != "schema"]
    return Address(
        url=f"postgresql://{place}" + ("?" + "&".join(kept) if kept else ""),
        shown=shown,
        schema=schemas[0] if schemas else None,
        options=tuple(name for name in names if name != "schema"),
        secrets=_secrets(authority, parts),
    )


def _refuse_unwritten_signs(authority: str, rest: str, shown: str) -> None:
    """A password with @, / or ? in plain would be cut there, and its rest sent as a host's name."""
    user, at, _ = authority.rpartition("@")
    port = re.sub(r"\[[^\]]*\]", "", authority).partition(":")[2]  # without an IPv6 address
    cut = not at and "@" in rest[len(authority) :] and bool(port) and not port.isdigit()
    if "@" in user or cut or "#" in rest:
        raise DataError(
            f"The address {shown!r} cannot be taken apart. In a password write @ as %40, / as %2F, ? as %3F, "
            "# as %23, % as %25; or leave it out and keep it in ~/.pgpass or PGPASSWORD."
        )


def _secrets(authority: str, parts: list[str]) -> tuple[str, ...]:
    found = [authority.rpartition("@")[0].partition(":")[2]]
    for part in parts:
        name, _, value = part.partition("=")
        found += [value] if name.lower().endswith("password") else []
    written = {text for raw in found if raw for text in (raw, unquote(raw))}
    return tuple(sorted(written, key=len, reverse=True))
