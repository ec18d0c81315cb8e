"""What is compared, and in which ordered levels: one text in SQL for Splink, one in words for people.

The first level whose condition holds is a pair's level; the highest number is the strongest agreement. `-1` is a
missing value. All conditions are symmetric, and speak of the two records alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LAST_BITS = 1e-9
"""How far below its number a similarity still reaches it: where two libraries divide in another order, one of them says
0.92 of two texts and the other a bit less."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a comparison: its number, its condition in SQL over `l` and `r`, and its meaning."""

    number: int
    condition: str
    words: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing that two records are compared in, levels from the strongest to 0.

    `missing` is the condition for there being nothing to compare. From `rising_from` on, a higher level is never worth
    less than the one below it.
    """

    name: str
    missing: str
    levels: Sequence[Level]
    rising_from: int = 0


def _either(column: str) -> str:
    return f'"{column}_l" IS NULL OR "{column}_r" IS NULL'


def _neither(column: str) -> str:
    return f'len("{column}_l") = 0 OR len("{column}_r") = 0'


def _similar(left: str, right: str, least: float) -> str:
    return f'jaro_winkler_similarity("{left}", "{right}") >= {least - LAST_BITS}'


def _overlap(column: str) -> str:
    return f'len(list_intersect("{column}_l", "{column}_r")) > 0'


def _share(column: str, least: int) -> str:
    """Say that of the members that two sets have, each counted twice, `least` tenths are in both."""
    common = f'len(list_intersect("{column}_l", "{column}_r"))'
    return f'({common} > 0 AND 20 * {common} >= {least} * (len("{column}_l") + len("{column}_r")))'


def _one_edit(column: str) -> str:
    return f'damerau_levenshtein("{column}_l", "{column}_r") <= 1'


_SAME_LAST = '"last_l" = "last_r"'
_SHORT_FIRST = f'({_overlap("forms")} OR starts_with("first_l", "first_r") OR starts_with("first_r", "first_l"))'
_WITHIN = (
    'len(list_intersect("tokens_l", "tokens_r")) >= 2 '
    'AND len(list_intersect("tokens_l", "tokens_r")) = least(len("tokens_l"), len("tokens_r"))'
)
_NEARLY = f'{_similar("name_l", "name_r", 0.93)} AND "first_l"[1] = "first_r"[1]'
_INITIAL = '(least(len("first_l"), len("first_r")) = 1 AND "first_l"[1] = "first_r"[1])'
_SIMILAR = (
    f"({_similar('last_l', 'last_r', 0.88)} "
    f"AND ({_similar('first_l', 'first_r', 0.85)} OR {_overlap('forms')} OR {_INITIAL})) "
    f"OR ({_similar('first_l', 'last_r', 0.9)} AND {_similar('last_l', 'first_r', 0.9)})"
)
_NO_LAST = '("last_l" IS NULL OR "last_r" IS NULL)'
_FIRST_ALIKE = f"({_similar('first_l', 'first_r', 0.88)} OR {_overlap('forms')})"
_NO_FIRST = '("first_l" IS NULL OR "first_r" IS NULL)'
_ONE_NAME = (
    Level(9, '"name_l" = "name_r"', "the same name"),
    Level(8, f"({_SAME_LAST} AND {_SHORT_FIRST}) OR ({_WITHIN})", "the same name, shortened or with a part more"),
    Level(7, '"skeleton_l" = "skeleton_r"', "the same name, spelt or transliterated otherwise"),
    Level(6, _NEARLY, "nearly the same name"),
    Level(5, _SIMILAR, "a similar name, or its parts the other way round"),
    # what is missing contradicts nothing: a last name alone is not another first name
    Level(4, f"{_NO_LAST} AND {_FIRST_ALIKE}", "the same or a similar first name, a last name missing"),
    Level(
        3,
        f"{_NO_FIRST} AND {_similar('last_l', 'last_r', 0.88)}",
        "the same or a similar last name, a first name missing",
    ),
)
_SAME_FIRST = Level(2, '"first_l" = "first_r"', "the same first name, another last name")
NAME = Comparison(
    "name",
    _either("name"),
    (
        *_ONE_NAME,
        _SAME_FIRST,
        Level(1, 'len(list_intersect("tokens_l", "tokens_r")) > 0', "the same last name, another first name"),
        Level(0, "ELSE", "another name"),
    ),
    rising_from=3,
)


def _any_of(levels: Sequence[Level]) -> str:
    return f"coalesce({' OR '.join(f'({level.condition})' for level in levels)}, FALSE)"


_TWO_NAMES = f'"name_l" IS NOT NULL AND "name_r" IS NOT NULL AND NOT {_any_of([*_ONE_NAME, _SAME_FIRST])}'
_SAME_IDENTIFIER = " OR ".join(_overlap(column) for column in ("emails", "phones", "profiles", "numbers"))
FEWER_THAN: Sequence[float] = (0.001, 0.01, 0.1, 1, 10, 100)
NAMESAKES = Comparison(
    "namesakes",
    # an address that two records share is not shared by chance, however common the name
    f"{_either('name')} OR NOT {_any_of(_ONE_NAME)} OR {_SAME_IDENTIFIER}",
    (
        *(
            Level(
                len(FEWER_THAN) - number,
                f'greatest("namesakes_l", "namesakes_r") < {bound}',
                f"a name of which fewer than {bound:g} namesakes are to be expected",
            )
            for number, bound in enumerate(FEWER_THAN)
        ),
        Level(0, "ELSE", f"a name of which {FEWER_THAN[-1]:g} or more namesakes are to be expected"),
    ),
)
EMAIL = Comparison(
    "email",
    _neither("emails"),
    (
        Level(3, f"{_overlap('emails')} AND NOT ({_TWO_NAMES})", "the same e-mail address"),
        Level(2, _overlap("emails"), "the same e-mail address under another name"),
        Level(1, _overlap("locals"), "the same name before the @ of another address"),
        Level(0, "ELSE", "other e-mail addresses"),
    ),
)
PHONE = Comparison(
    "phone",
    _neither("phones"),
    (
        Level(2, f"{_overlap('phones')} AND NOT ({_TWO_NAMES})", "the same phone number"),
        Level(1, _overlap("phones"), "the same phone number under another name"),
        Level(0, "ELSE", "other phone numbers"),
    ),
)
LONG_NUMBER = 7
"""Characters from which on a personal number is not met with one of them changed unless by a slip of the hand."""
_NOT_IN_TURN = (
    f'least(len("number_l"), len("number_r")) >= {LONG_NUMBER} '
    # numbers that are given out in turn differ in their last character, as those of a family may
    'AND substr("number_l", 1, len("number_l") - 1) <> substr("number_r", 1, len("number_r") - 1)'
)
NUMBER = Comparison(
    "number",
    _neither("numbers"),
    (
        Level(2, _overlap("numbers"), "the same personal number"),
        Level(1, f"{_one_edit('number')} AND {_NOT_IN_TURN}", "a personal number with one character changed"),
        Level(0, "ELSE", "other personal numbers"),
    ),
)
PROFILE = Comparison(
    "profile",
    # pages at two sites say nothing of each other
    f"NOT ({_overlap('profiles')}) AND ({_neither('linkedins')})",
    (Level(1, _overlap("profiles"), "the same profile page"), Level(0, "ELSE", "two different LinkedIn pages")),
)
_HOUSE = _overlap("houses")
NEARLY_STREET, SOMEWHAT_STREET = 6, 3
"""Tenths of the pairs of letters that two streets share."""
_NEAR = _share("letters", NEARLY_STREET)
STREET = Comparison(
    "street",
    _either("street"),
    (
        Level(5, f'"street_l" = "street_r" AND NOT ({_TWO_NAMES})', "the same street and house"),
        Level(4, f"{_NEAR} AND {_HOUSE} AND NOT ({_TWO_NAMES})", "nearly the same street, and the same house"),
        Level(
            3,
            f"{_share('letters', SOMEWHAT_STREET)} AND {_HOUSE} AND NOT ({_TWO_NAMES})",
            "a somewhat similar street, and the same house",
        ),
        Level(2, f'"street_l" = "street_r" OR ({_NEAR} AND {_HOUSE})', "the same street and house under another name"),
        Level(1, _NEAR, "nearly the same street, another house or none"),
        Level(0, "ELSE", "other street addresses"),
    ),
)
POSTCODE = Comparison(
    "postcode",
    _either("postcode"),
    (
        Level(2, '"postcode_l" = "postcode_r"', "the same postcode"),
        Level(1, _one_edit("postcode"), "a postcode with one character changed"),
        Level(0, "ELSE", "other postcodes"),
    ),
)
CITY = Comparison(
    "city",
    _either("city"),
    (
        Level(2, '"city_l" = "city_r"', "the same city"),
        Level(1, _similar("city_l", "city_r", 0.9), "a similarly spelt city"),
        Level(0, "ELSE", "other cities"),
    ),
)
EMPLOYER = Comparison(
    "employer",
    _either("employer"),
    (
        Level(2, '"employer_l" = "employer_r"', "the same employer"),
        Level(1, _similar("employer_l", "employer_r", 0.9), "a similarly named employer"),
        Level(0, "ELSE", "other employers"),
    ),
)
TITLE = Comparison(
    "title",
    _either("title"),
    (
        Level(2, '"title_l" = "title_r"', "the same job title"),
        Level(1, _similar("title_l", "title_r", 0.88), "a similar job title"),
        Level(0, "ELSE", "other job titles"),
    ),
)
COMPARISONS: Sequence[Comparison] = (
    NAME, NAMESAKES, EMAIL, PHONE, PROFILE, NUMBER, STREET, POSTCODE, CITY, EMPLOYER, TITLE,
)  # fmt: skip
"""Everything that is compared. None of it is a protected attribute."""

WORDS: Mapping[str, Mapping[int, str]] = {
    comparison.name: {-1: "nothing to compare", **{level.number: level.words for level in comparison.levels}}
    for comparison in COMPARISONS
}
"""What each level means."""


WHOLE_NAME = 5
"""The lowest level of a name at which both its parts agree."""
ONE_NAME_OUTWEIGHS = 4


def guard(levels: Mapping[str, int]) -> str | None:
    """Return what forbids two records to become one person by themselves, whatever their weight; None if nothing.

    People of one household share addresses, phones, cities, even employers: under two names, that is never enough.
    """
    if levels.get(PROFILE.name) == 0:
        return "two different LinkedIn pages: only a person can decide that they are one"
    if levels.get(NAME.name) in {0, 1} and not is_ones_own(levels):
        return "two names: what they share, a household or an office shares as well"
    return None


def is_ones_own(levels: Mapping[str, int]) -> bool:
    """Say whether two records share what is one person's alone: a profile page, or a personal number but for a slip."""
    return levels.get(PROFILE.name) == 1 or levels.get(NUMBER.name, 0) > 0


def keeps_apart(crossing: Sequence[Mapping[str, int]]) -> bool:
    """Say whether two groups of records may not become one person by themselves; `crossing`: levels between them.

    Two pages at LinkedIn are two people. Two names are not where any of the records share what is one person's alone,
    as those of somebody who changed their name do, or where at least four times as many pairs bear one whole name: of
    somebody's twenty records some are written so badly that they look like another's.
    """
    if any(levels.get(PROFILE.name) == 0 for levels in crossing):
        return True
    under_two = sum(guard(levels) is not None for levels in crossing)
    under_one = sum(levels.get(NAME.name, -1) >= WHOLE_NAME for levels in crossing)
    return under_one < ONE_NAME_OUTWEIGHS * under_two and not any(is_ones_own(levels) for levels in crossing)
