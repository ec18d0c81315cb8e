"""Who may be written to: statements of records and addresses, joined for each person whenever it is asked."""

from talent_pool.consent.plain import plainly_allowed
from talent_pool.consent.spoken import with_a_yes
from talent_pool.consent.statements import refuse, refuse_person, statements_of
from talent_pool.consent.suppressions import lift, suppress, suppress_person
from talent_pool.consent.verdict import Ask, Verdict, reachable, verdicts

__all__ = [
    "Ask",
    "Verdict",
    "lift",
    "plainly_allowed",
    "reachable",
    "refuse",
    "refuse_person",
    "statements_of",
    "suppress",
    "suppress_person",
    "verdicts",
    "with_a_yes",
]
