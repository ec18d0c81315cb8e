"""What happens to a value on its way into a record: slips of the finger, other spellings, other formats."""

from collections.abc import Callable
from functools import cache
from random import Random

from anyascii import anyascii
from nicknames import NickNamer

_NEIGHBOURS = {
    "a": "sq",
    "b": "vn",
    "c": "xv",
    "d": "sf",
    "e": "wr",
    "f": "dg",
    "g": "fh",
    "h": "gj",
    "i": "uo",
    "j": "hk",
    "k": "jl",
    "l": "ko",
    "m": "n",
    "n": "bm",
    "o": "ip",
    "p": "ol",
    "r": "et",
    "s": "ad",
    "t": "ry",
    "u": "yi",
    "v": "cb",
    "w": "qe",
    "x": "zc",
    "y": "tu",
    "z": "xs",
}
_MORE_NICKNAMES = {
    "alejandro": ("Alex", "Jandro"),
    "francisco": ("Paco", "Fran"),
    "josé": ("Pepe",),
    "maría": ("Mari",),
    "johannes": ("Hannes", "Jan"),
    "katharina": ("Kathi", "Katja"),
    "giuseppe": ("Beppe",),
    "małgorzata": ("Gosia",),
    "katarzyna": ("Kasia",),
    "jakub": ("Kuba",),
    "aleksandr": ("Sasha",),
    "aleksandra": ("Ola",),
    "dmitriy": ("Dima",),
    "vladimir": ("Vova",),
    "guillaume": ("Guy",),
    "cornelis": ("Kees",),
    "hendrik": ("Henk",),
}


def typo(rng: Random, text: str) -> str:
    """Return `text` with one slip: a letter left out, doubled, exchanged with its neighbour, or with the next key."""
    if len(text) < 4:
        return text
    at = 1 + int(rng.random() * (len(text) - 2))
    kind = int(rng.random() * 4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    keys = _NEIGHBOURS.get(text[at].lower())
    return text[:at] + (rng.choice(keys) if keys else text[at]) + text[at + 1 :]


@cache
def _nicknamer() -> NickNamer:
    return NickNamer()


@cache
def nicknames_of(given: str) -> tuple[str, ...]:
    """Return what people called `given` are also called, in a fixed order; none for most."""
    key = given.lower()
    if key in _MORE_NICKNAMES:
        return _MORE_NICKNAMES[key]
    return tuple(sorted(name.capitalize() for name in _nicknamer().nicknames_of(key) if len(name) > 2))


def unaccented(text: str) -> str:
    """Return `text` as an old form would force it: Müller as Muller."""
    return text if text.isascii() else anyascii(text)


def german(text: str) -> str:
    """Return `text` with umlauts written out: Müller as Mueller."""
    return text.translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}))


def joined(text: str) -> str:
    """Return a name with its particles written together: van der Berg as Vanderberg."""
    return "".join(text.split()).capitalize() if " " in text else text


_CITY_SPELLINGS = {
    "München": ("Munich", "Muenchen"),
    "Köln": ("Cologne", "Koeln"),
    "Nürnberg": ("Nuremberg",),
    "Frankfurt am Main": ("Frankfurt", "Frankfurt/Main"),
    "Zürich": ("Zurich",),
    "New York": ("New York, NY", "NYC", "New York City"),
    "San Francisco": ("San Francisco, CA", "SF Bay Area"),
    "St. Louis": ("Saint Louis",),
    "Los Angeles": ("Los Angeles, CA", "LA"),
    "Boston": ("Boston, MA",),
    "Chicago": ("Chicago, IL",),
    "Milano": ("Milan",),
    "Roma": ("Rome",),
    "Warszawa": ("Warsaw",),
    "Kraków": ("Krakow", "Cracow"),
    "İstanbul": ("Istanbul",),
    "Bengaluru": ("Bangalore",),
    "Den Haag": ("The Hague", "'s-Gravenhage"),
    "Thành phố Hồ Chí Minh": ("Ho Chi Minh City", "Saigon"),
    "Hà Nội": ("Hanoi",),
    "Sevilla": ("Seville",),
    "Kyiv": ("Kiev",),
}


def city_spelling(rng: Random, city: str) -> str:
    """Return a city as somebody may write it."""
    return rng.choice(_CITY_SPELLINGS.get(city, (city,)))


def company_spelling(rng: Random, company: str) -> str:
    """Return an employer as somebody may write it."""
    kinds: tuple[Callable[[str], str], ...] = (
        str.upper,
        str.lower,
        lambda name: name + " GmbH",
        lambda name: name + ", Inc.",
        lambda name: name + " Ltd",
        lambda name: name.replace(" & ", " and "),
    )
    return rng.choice(kinds)(company)


def title_spelling(title: str) -> str:
    """Return a job title's other usual form."""
    for short, long in (("Senior", "Sr."), ("Engineer", "Developer"), ("Manager", "Lead"), ("Junior", "Jr.")):
        if short in title:
            return title.replace(short, long)
    return title


def phone_spelling(rng: Random, country_code: str, trunk: str, national: str) -> str:
    """Return a number as somebody may type it; `trunk` is the prefix dialled at home."""
    kind = rng.random()
    if kind < 0.35:
        return country_code + national
    if country_code == "+1":
        area, rest = national[:3], national[3:]
        forms = (
            f"({area}) {rest[:3]}-{rest[3:]}",
            f"{area}-{rest[:3]}-{rest[3:]}",
            f"{area}.{rest[:3]}.{rest[3:]}",
            national,
        )
        return forms[int(rng.random() * 4)] if kind < 0.85 else f"+1 {area} {rest[:3]} {rest[3:]}"
    head, tail = national[:3], national[3:]
    groups = " ".join(tail[at : at + 3] for at in range(0, len(tail), 3))
    if kind < 0.7:
        return f"{country_code} {head} {groups}"
    if kind < 0.85:
        return f"00{country_code[1:]} {head}{tail}"
    return f"{country_code} ({trunk}){head} {groups}" if trunk else f"{country_code}-{head}-{tail}"


def linkedin_spelling(rng: Random, slug: str) -> str:
    """Return a profile's address in one of the forms it is pasted in."""
    forms = (
        "https://www.linkedin.com/in/{}",
        "https://www.linkedin.com/in/{}/",
        "linkedin.com/in/{}",
        "http://linkedin.com/in/{}",
        "https://de.linkedin.com/in/{}?trk=people",
        "www.linkedin.com/in/{}",
    )
    return forms[int(rng.random() ** 2 * len(forms))].format(slug)
