"""Names drawn with the skew of life: a few are everywhere, most are rare (Zipf, exponent near 1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from random import Random
from typing import Any

from anyascii import anyascii

from sandbox import cultures
from sandbox.cultures import Culture

_BAG = 16_384
_PARTICLES: Mapping[str, tuple[str, ...]] = {
    "de_DE": ("von", "von der", "zu"),
    "fr_FR": ("de", "de la", "du", "Le"),
    "es_ES": ("de la", "del", "de los"),
    "it_IT": ("Di", "De", "Della"),
    "nl_NL": ("van", "van der", "van den", "de", "ten"),
}
_MULTIPART_GIVEN: Mapping[str, tuple[str, ...]] = {
    "fr_FR": ("Jean-Pierre", "Marie-Claire", "Anne-Sophie", "Jean-Luc"),
    "es_ES": ("José María", "María José", "Juan Carlos", "Ana María"),
    "de_DE": ("Karl-Heinz", "Anna-Lena", "Hans-Peter"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a name: how it is written here, how at home (if in another script), and its other romanisations."""

    text: str
    native: str | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameSource:
    """Given and family names of one culture; a name's share of a bag is its share of the people."""

    women: Sequence[Part]
    men: Sequence[Part]
    families: Sequence[Part]
    families_of_women: Sequence[Part]
    middles: Sequence[str]


def draw_given(rng: Random, culture: Culture, *, woman: bool) -> Part:
    """Draw a given name; one in fifty of some cultures' is a double name."""
    doubles = _MULTIPART_GIVEN.get(culture.key)
    if doubles and rng.random() < 0.02:
        return Part(rng.choice(doubles))
    source = names_of(culture.key)
    return _pick(rng, source.women if woman else source.men)


def draw_family(rng: Random, culture: Culture, *, woman: bool) -> Part:
    """Draw a family name, with a particle or a second surname where the culture has them."""
    source = names_of(culture.key)
    part = _pick(rng, source.families_of_women if woman else source.families)
    if culture.two_family_names and rng.random() < 0.7:
        return Part(f"{part.text} {_pick(rng, source.families).text}")
    particles = _PARTICLES.get(culture.key)
    if particles and rng.random() < (0.14 if culture.key == "nl_NL" else 0.03) and " " not in part.text:
        return Part(f"{rng.choice(particles)} {part.text}")
    if rng.random() < 0.015 and not culture.native_script:
        return Part(f"{part.text}-{_pick(rng, source.families).text}")
    return part


def draw_middle(rng: Random, culture: Culture) -> str:
    """Draw a middle name, or nothing where the culture has none."""
    middles = names_of(culture.key).middles
    return middles[int(rng.random() * len(middles))] if middles else ""


@cache
def names_of(key: str) -> NameSource:
    """Return one culture's names, its bags filled once."""
    if key == "ar":
        return _paired(cultures.ARABIC_GIVEN, cultures.ARABIC_FAMILY)
    if key == "he_IL":
        return _paired(cultures.HEBREW_GIVEN, cultures.HEBREW_FAMILY)
    if key == "ja_JP":
        return _japanese()
    provider = _provider(key)
    women = [str(name) for name in provider.first_names_female]
    men = [str(name) for name in provider.first_names_male]
    families = [str(name) for name in provider.last_names]
    of_women = families
    if key == "ko_KR":
        family = [Part(others[0], native, others) for native, others in cultures.KOREAN_FAMILY]
        return NameSource(_bag(_romanised(women)), _bag(_romanised(men)), _bag(family), _bag(family), ())
    if key == "pl_PL":
        families = [str(name) for name in provider.male_last_names] + [str(name) for name in provider.unisex_last_names]
        of_women = [name[:-1] + "a" if name.endswith(("ski", "cki", "dzki")) else name for name in families]
    elif key in ("ru_RU", "el_GR"):
        families, of_women = map(list, (provider.last_names_male, provider.last_names_female))
    elif key == "uk_UA":
        families, of_women = list(provider.last_names_male), list(provider.last_names_female)
    elif key == "zh_CN":
        women, men = _two_characters(women), _two_characters(men)
    middles = tuple(women[:40] + men[:40]) if key == "en_US" else ()
    if key == "vi_VN":
        middles = tuple(str(name) for name in provider.middle_names)
    romanise = cultures.BY_KEY[key].native_script
    made = [_romanised(n) if romanise else [Part(name) for name in n] for n in (women, men, families, of_women)]
    women_bag, men_bag, family_bag, of_women_bag = (_bag(parts) for parts in made)
    return NameSource(women_bag, men_bag, family_bag, of_women_bag, middles)


def _provider(key: str) -> Any:
    return import_module(f"faker.providers.person.{key}").Provider


def _two_characters(names: Sequence[str]) -> list[str]:
    """Most Chinese given names have two characters; Faker's lists hold one or two."""
    single = [name for name in names if len(name) == 1]
    return list(names) + [a + b for a in single[:40] for b in single[:40] if a != b]


def _romanised(names: Sequence[str]) -> list[Part]:
    return [Part(_latin(name), name) for name in names]


def _latin(name: str) -> str:
    # anyascii marks every syllable of Han and Hangul with a capital
    return " ".join(word[:1].upper() + word[1:].lower() for word in anyascii(name).replace("'", "").split())


def _japanese() -> NameSource:
    provider = _provider("ja_JP")
    women = [Part(latin, kanji) for kanji, _, latin in provider.first_name_female_pairs]
    men = [Part(latin, kanji) for kanji, _, latin in provider.first_name_male_pairs]
    families = _bag([Part(latin, kanji) for kanji, _, latin in provider.last_name_pairs])
    return NameSource(_bag(women), _bag(men), families, families, ())


def _paired(given: Sequence[tuple[str, tuple[str, ...]]], family: Sequence[tuple[str, tuple[str, ...]]]) -> NameSource:
    first = _bag([Part(others[0], native, others) for native, others in given])
    last = _bag([Part(others[0], native, others) for native, others in family])
    return NameSource(first, first, last, last, ())


def _bag(parts: Sequence[Part]) -> list[Part]:
    """Return about 16,000 draws in Zipf's proportions. The order of popularity is fixed, and not the alphabet's."""
    shuffled = list(parts)
    Random(len(shuffled)).shuffle(shuffled)
    weights = [1 / (rank + 3) ** 0.85 for rank in range(len(shuffled))]
    scale = _BAG / sum(weights)
    return [part for part, weight in zip(shuffled, weights, strict=True) for _ in range(max(1, round(weight * scale)))]


def _pick(rng: Random, bag: Sequence[Part]) -> Part:
    return bag[int(rng.random() * len(bag))]
