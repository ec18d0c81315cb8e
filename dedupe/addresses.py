"""What a street address is told by: its houses' numbers, and pairs of letters of its words, in whatever order.

Addresses are written in as many ways as there are forms to fill in: with or without the building, the number before or
after the street, words run together or torn apart. Pairs of letters survive all of that.
"""

_WAYS = frozenset(
    """
    street st str strasse road rd avenue ave av lane ln drive dr close cl court ct crescent cres cr place pl way
    circuit cct boulevard blvd terrace tce square sq weg platz allee rue via calle
    flat apt apartment unit suite floor
    """.split()  # noqa: SIM905 - words read better than quotes
)
"""Words that most addresses share: two that share nothing else share nothing."""


def houses(street: str | None) -> list[str]:
    """Return the words of an address that begin with a digit, each once: houses, and flats in them."""
    return sorted({word for word in (street or "").split() if word[0].isdigit()})


def letters(street: str | None) -> list[str]:
    """Return the pairs of neighbouring letters in an address's telling words, each once."""
    told = [word for word in (street or "").split() if not word[0].isdigit()]
    telling = [word for word in told if word not in _WAYS] or told
    return sorted({word[at : at + 2] for word in telling for at in range(len(word) - 1)})
