"""Statements of consent in the words of the W3C community group's Data Privacy Vocabulary (w3id.org/dpv).

The shape follows what ISO/IEC TS 27560 asks of a consent record: whose, for what, on which basis, its status with the
time and the way it was indicated. Purposes that DPV has no word for are given as ours below its nearest one.
"""

from collections.abc import Mapping
from typing import Any

CONTEXT = {"dpv": "https://w3id.org/dpv#", "dct": "http://purl.org/dc/terms/", "catchment": "urn:catchment:"}

STATUS = {
    "requested": "dpv:ConsentRequested",
    "given": "dpv:ConsentGiven",
    "refused": "dpv:ConsentRefused",
    "withdrawn": "dpv:ConsentWithdrawn",
    "expired": "dpv:ConsentExpired",
    "invalidated": "dpv:ConsentInvalidated",
}
BASIS = {
    "consent": "dpv:Consent",
    "legitimate_interest": "dpv:LegitimateInterest",
    "contract": "dpv:Contract",
    "legal_obligation": "dpv:LegalObligation",
}
PURPOSE = {
    "this_application": "dpv:PersonnelHiring",
    "future_jobs": "dpv:PersonnelHiring",
    "marketing": "dpv:DirectMarketing",
    "survey": "dpv:ResearchAndDevelopment",
    "sms_reminder": "dpv:PersonnelHiring",
    "share_with_group": "dpv:PersonnelHiring",
}


def record_of(statement: Mapping[str, Any], person: str) -> dict[str, Any]:
    """Return one statement as a consent record; times are ISO 8601 texts."""
    by = "dpv:DataSubject" if str(statement["stated_by"]).startswith("candidate") else "dpv:DataController"
    status: dict[str, Any] = {
        "@type": STATUS.get(statement["status"], "dpv:ConsentUnknown"),
        "dpv:isIndicatedBy": by,
        "dpv:isIndicatedAtTime": statement["stated_at"].isoformat(),
    }
    if statement["evidence"]:
        status["dpv:hasIndicationMethod"] = dict(statement["evidence"])
    record: dict[str, Any] = {
        "@type": "dpv:ConsentRecord",
        "dct:identifier": statement["id"],
        "dpv:hasDataSubject": f"catchment:{person}",
        "dpv:hasPurpose": {
            "@id": f"catchment:{statement['purpose']}",
            "@type": PURPOSE.get(statement["purpose"], "dpv:Purpose"),
        },
        "dpv:hasLegalBasis": BASIS.get(statement["lawful_basis"], "dpv:LegalBasis"),
        "dpv:hasConsentStatus": status,
        "catchment:channel": statement["channel"],
        "dct:source": statement["connection"],
    }
    if statement["expires_at"]:
        record["dpv:hasExpiry"] = statement["expires_at"].isoformat()
    if statement["jurisdiction"]:
        record["dpv:hasJurisdiction"] = statement["jurisdiction"]
    return record
