"""Cursors that remember single members of a destination, so as not to read them twice: without hers."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, cast

from sqlalchemy import Connection, select, update

from talent_pool.store.tables import cursors


def without_her(connection: Connection, destination: str, known: Mapping[str, Any]) -> None:
    """Take her out of what a destination's cursors remember: addresses, and their MD5, which is a vendor's usual id."""
    words = {word.casefold() for word in known["words"]}
    words |= {hashlib.md5(word.encode(), usedforsecurity=False).hexdigest() for word in words}
    query = select(cursors.c.stream, cursors.c.cursor).where(cursors.c.connection == destination)
    for row in connection.execute(query).all():
        left = _without(row.cursor, words)
        if left != row.cursor:
            here = (cursors.c.connection == destination, cursors.c.stream == row.stream)
            connection.execute(update(cursors).where(*here).values(cursor=left))


def _without(value: Any, words: Collection[str]) -> Any:
    if isinstance(value, list):
        kept = [each for each in cast("list[Any]", value) if not (isinstance(each, str) and _names(each, words))]
        return [_without(each, words) for each in kept]
    if isinstance(value, dict):
        return {name: _without(each, words) for name, each in cast("dict[str, Any]", value).items()}
    return value


def _names(text: str, words: Collection[str]) -> bool:
    return any(word in text.casefold() for word in words)
