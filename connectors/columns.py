"""Guessing what a file's columns hold, from their headers and, where those say nothing, from a few rows.

Headers are those of real exports: Google Contacts (old and new), Outlook, HubSpot, LinkedIn, ATS lists, in English,
German, French and Spanish. A column that is not recognised stays in the stored row and is not read. Protected
attributes are never mapped, and never stored.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import Misconfigured
from connectors.personal_numbers import is_number_of_authority, is_personal_number
from connectors.records import PROTECTED_ATTRIBUTES

FIELDS: Mapping[str, str] = {
    "key": "",
    "first_name": "first name|given name|forename|firstname|vorname|prenom|primer nombre|nombre de pila|voornaam",
    "last_name": "last name|family name|surname|lastname|nachname|familienname|nom de famille|apellido|apellidos"
    "|primer apellido|achternaam|cognome",
    "full_name": "full name|fullname|candidate name|candidate|applicant|applicant name|contact name|display name"
    "|nom complet|nombre completo|vollstandiger name|bewerber",
    "preferred_name": "preferred name|nickname|known as|preferred first name|rufname",
    "email": "email|e mail|mail|email address|e mail address|e mail value|email value|work email|personal email"
    "|private email|business email|primary email|secondary email|additional email|emails|email addresses|e mail adresse"
    "|mail adresse|adresse e mail|adresse mail|courriel|adresse email|correo|correo electronico|direccion de correo"
    "|correo electronico personal|emailadresse|contact email|candidate email|email id",
    "email_label": "e mail label|e mail type|email label|email type",
    "phone": "phone|phone number|telephone|telephone number|mobile|mobile phone|mobile number|cell|cell phone|cellphone"
    "|home phone|business phone|work phone|primary phone|other phone|phone value|phone numbers|phones|contact number"
    "|telefon|telefonnummer|mobil|mobiltelefon|handy|handynummer|mobilnummer|telefono|telefono movil|movil|celular"
    "|tel|numero de telephone|portable|telephone portable|telefoon",
    "url": "url|website|web page|linkedin|linkedin url|linkedin profile|linkedin profile url|profile url|website value"
    "|website url|portfolio|github|github url|xing|personal web page|webseite|site web|sitio web",
    "person_number": "",
    "street": "street|street address|street number|street name|street 1|street 2|address|address 1|address 2"
    "|address line 1|address line 2|home street|home address 1|address street"
    "|strasse|hausnummer|rue|calle|direccion|adresse",
    "city": "city|town|home city|address city|ort|stadt|wohnort|ville|ciudad|suburb|city town|localidad",
    "region": "state|region|state region|province|home state|address region|bundesland|provincia|county|state province",
    "country": "country|country region|home country|home country region|address country|country code|land|pays|pais",
    "postal_code": "postal code|postcode|zip|zip code|home postal code|address postal code|plz|postleitzahl"
    "|code postal|codigo postal",
    "location": "location|candidate location|current location|home address|address formatted|standort|lieu|ubicacion",
    "company": "company|company name|current company|employer|current employer|organization|organisation"
    "|organization name|organisation name|firma|unternehmen|arbeitgeber|entreprise|societe|employeur|empresa"
    "|associated company",
    "title": "job title|position|role|headline|occupation|current title|current position|organization title"
    "|organisation title|berufsbezeichnung|beruf|poste|fonction|intitule du poste|puesto|cargo|jobtitle",
    "tags": "tags|tag|labels|categories|category|group membership|keywords|schlagworte|kategorien|etiquettes|etiquetas",
    "language": "language|preferred language|language code|locale|sprache|langue|idioma",
    "created_at": "created|created at|created on|create date|date created|date added|added on|erstellt am|cree le",
    "updated_at": "updated|updated at|last modified|last modified date|modified at|modified on|geandert am",
    "applied_at": "applied|applied at|applied on|applied date|date applied|application date|submitted at"
    "|bewerbungsdatum|beworben am|date de candidature|fecha de solicitud|fecha de candidatura",
    "job_id": "job|job id|job applied for|applied for|position applied for|requisition|requisition id|req id|vacancy"
    "|job code|stelle|stellen id|offre|vacante",
    "stage": "stage|application stage|current stage|candidate stage|pipeline stage|phase|etape|etapa",
    "outcome": "outcome|application outcome|disposition|result|ergebnis|resultat|resultado",
    "status": "status|application status|candidate status|bewerbungsstatus|statut|estado",
    "source": "source|candidate source|application source|quelle|origine|fuente",
}
"""What a column may be mapped to, with the plain headers that say so. `status` may hold a stage or an outcome."""

IGNORE = "ignore"
"""Given in place of a field: the column is not read."""

_APPLICATION = frozenset({"applied_at", "job_id", "stage", "outcome"})
_MANY = frozenset({"email", "email_label", "phone", "url", "tags", "person_number", "street"})
_PLACE = frozenset({"city", "region", "country", "postal_code", "location"})
_BY_HEADER = {header: field for field, headers in FIELDS.items() for header in headers.split("|") if header}
_NAME_OF_ALL = frozenset({"name", "nom", "nombre", "nome", "naam"})
_SENSITIVE = re.compile(
    r"\b(?:"
    + "|".join(sorted({name.replace("_", " ") for name in PROTECTED_ATTRIBUTES}))
    + "|sex|birth|birthday|dob|ethnic|racial|disabled|veterans?|military|children|spouse|anniversary|hispanic|pronouns?"
    "|geschlecht|geburts(?:datum|tag|ort|jahr|name)|alter|religionszugehorigkeit|konfession|familienstand"
    "|staatsangehorigkeit|nationalitat|behinderung|schwerbehindert|foto|bild"
    "|sexe|genre|naissance|nationalite|handicap|situation familiale|sexo|genero|nacimiento|edad|nacionalidad"
    "|discapacidad|estado civil|ssn|social security|government id|passport)\\b"
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"(?:https?://)?(?:[a-z]{2,3}\.)?(?:linkedin\.com|github\.com|xing\.com)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What each column is read as, in the file's order; `dropped` are protected, `unread` were not recognised."""

    columns: Mapping[str, str]
    dropped: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def told(self) -> dict[str, str]:
        """Return every column with what becomes of it, for people to read."""
        return {
            **self.columns,
            **dict.fromkeys(self.unread, "(kept with the row, not read)"),
            **dict.fromkeys(self.dropped, "(protected: not stored)"),
        }


def guess(
    headers: Sequence[str],
    sample_rows: Iterable[Sequence[str]] = (),
    given: Mapping[str, str] | None = None,
    *,
    storing: bool = True,
) -> ColumnMapping:
    """Return what each of `headers` holds; what is `given` (COLUMN → field, or `ignore`) is not guessed.

    Where nothing is stored (`storing` is false), numbers of people are read too, those of authorities among them. What
    is stored takes in no such number by guess: two organisations may have given the same to two people. Raises
    Misconfigured when a column or field that is given does not exist, or is protected.
    """
    given = given or {}
    dropped = tuple(h for h in headers if is_protected(h) and (storing or not is_personal_number(plain(h))))
    _require_known(headers, given, dropped)
    open_headers = [header for header in headers if header not in given and header not in dropped]
    found = {header: field for header in open_headers if (field := _BY_HEADER.get(plain(header)))}
    if not storing:
        found |= {header: "person_number" for header in open_headers if is_personal_number(plain(header))}
    _settle_names(open_headers, found, {*found.values(), *given.values()})
    _settle_titles(open_headers, found, {*found.values(), *given.values()})
    rows = list(sample_rows)
    for position, header in enumerate(headers):
        if header in open_headers and header not in found and (field := _by_content(rows, position)):
            found[header] = field
    if not _APPLICATION & {*found.values(), *given.values()}:
        # a status alone says nothing of an application: contact tools have one too
        found = {header: field for header, field in found.items() if field not in ("status", "source")}
    columns = _settled({header: given.get(header) or found.get(header, IGNORE) for header in headers}, given)
    columns = {header: field for header, field in columns.items() if header not in dropped and field != IGNORE}
    unread = tuple(header for header in headers if header not in columns and header not in dropped)
    return ColumnMapping(columns, dropped, unread)


def is_protected(header: str) -> bool:
    """Say whether a header or question names something that no record may carry."""
    words = plain(header)
    return is_number_of_authority(words) or bool(_SENSITIVE.search(words))


def is_recognised(header: str) -> bool:
    """Say whether a header alone says what it holds."""
    return plain(header) in _BY_HEADER or plain(header) in _NAME_OF_ALL


def field_of(header: str) -> str | None:
    """Return the field that a header means wherever it stands; None for one that is not known, or depends on others."""
    return _BY_HEADER.get(plain(header))


def plain(header: str) -> str:
    """Return a header in small letters, without accents, numbers, punctuation and camel humps."""
    humps = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    letters = unicodedata.normalize("NFKD", humps.replace("ß", "ss")).casefold()
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(word for word in re.split(r"[\W_]+", bare) if word and not word.isdigit())


def ordinal(header: str) -> str:
    """Return the numbers in a header, which tie `E-mail 2 - Label` to `E-mail 2 - Value`."""
    return "".join(re.findall(r"\d+", header)) or "1"


def _require_known(headers: Sequence[str], given: Mapping[str, str], dropped: Sequence[str]) -> None:
    for column, field in given.items():
        if column not in headers:
            raise Misconfigured(f"There is no column {column!r} in the file; there are {', '.join(headers)}.")
        if field not in FIELDS and field != IGNORE:
            raise Misconfigured(
                f"The column {column!r} cannot be read as {field!r}; fields are {', '.join([*FIELDS, IGNORE])}."
            )
        if column in dropped and field != IGNORE:
            raise Misconfigured(
                f"The column {column!r} names a protected attribute, which is never read. Leave it out."
            )


def _settle_names(headers: Iterable[str], found: dict[str, str], fields: set[str]) -> None:
    """`Name` beside `Vorname` is a family name, `Nombre` beside `Apellidos` a given one; alone it is the whole name."""
    for header in headers:
        word = plain(header)
        if word not in _NAME_OF_ALL:
            continue
        if "first_name" in fields and "last_name" not in fields:
            found[header] = "last_name"
        elif "last_name" in fields and "first_name" not in fields:
            found[header] = "first_name"
        else:
            found[header] = "full_name"
        fields.add(found[header])


def _settle_titles(headers: Iterable[str], found: dict[str, str], fields: set[str]) -> None:
    """`Title` is a salutation in Outlook, which has `Job Title` too, and a job title where there is no other."""
    for header in headers:
        if plain(header) in ("title", "titel", "titre") and "title" not in fields:
            found[header] = "title"


def _by_content(rows: Sequence[Sequence[str]], position: int) -> str | None:
    values = [row[position].strip() for row in rows if position < len(row) and row[position].strip()]
    for field, pattern in (("email", _EMAIL), ("url", _URL)):
        if values and sum(1 for value in values if pattern.match(value)) >= 0.8 * len(values):
            return field
    return None


def _settled(columns: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Drop guesses of what was given elsewhere, and of a second address, whose parts would mix with the first's."""
    named = {field for field in given.values() if field not in _MANY and field != IGNORE}
    kept: dict[str, str] = {}
    for header, field in columns.items():
        is_second = field in _PLACE and field in kept.values()
        if header in given or (field not in named and not is_second):
            kept[header] = field
    return kept
