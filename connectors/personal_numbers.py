"""Headers of columns that hold a number of each person: one that an employer or school gave, or an authority.

Candidate and applicant numbers are not among them: systems give them to records, two of which may be one person's.
"""

_BY_EMPLOYERS_AND_SCHOOLS = (
    "employee id|employee number|employee no|emp id|emp no|staff id|staff number|staff no|personnel id|personnel number"
    "|personnel no|payroll id|payroll number|payroll no|worker id|badge number|person number|student id|student number"
    "|student no|matriculation number|matriculation no|personalnummer|personal nr|mitarbeiternummer|mitarbeiter nr"
    "|matrikelnummer|matrikel nr|matricule|numero etudiant|numero d etudiant|numero de empleado|legajo"
    "|numero de matricula|personeelsnummer|studentnummer"
)
_BY_AUTHORITIES = (
    "ssn|social security number|social security no|social security id|social security|soc sec id|soc sec no|soc sec"
    "|social insurance number|national id|national id number|national identity number|national insurance number"
    "|national insurance no|ni number|nino|government id|government id number|passport|passport number|passport no"
    "|tax id|tax number|tax file number|tfn|aadhaar|aadhaar number|pesel|steuer id|steuernummer"
    "|sozialversicherungsnummer|sv nummer|personnummer|bsn|burgerservicenummer|numero de securite sociale"
    "|numero securite sociale|dni|nie|cpf|codice fiscale"
)
_AUTHORITIES = frozenset(_BY_AUTHORITIES.split("|"))
_PERSONAL = _AUTHORITIES | frozenset(_BY_EMPLOYERS_AND_SCHOOLS.split("|"))


def is_personal_number(header: str) -> bool:
    """Say whether a plain header (`connectors.columns.plain`) names a column with a number of each person."""
    return header in _PERSONAL


def is_number_of_authority(header: str) -> bool:
    """Say whether a plain header names numbers by which a state knows people; they are never stored."""
    return header in _AUTHORITIES
