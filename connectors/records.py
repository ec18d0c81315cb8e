"""What a source brings, in the words of the recruiting field and of no vendor.

Every record names its own object at the source by `remote_id`. A field that was never given is *missing* and
keeps whatever is known; a field given as null or as an empty list says that the source holds nothing there.
The difference is carried by pydantic's `model_fields_set`, so a parser leaves out what the vendor left out.

Field names follow Merge's common models, profiles follow JSON Resume 1.3.1, consent follows W3C DPV.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Timestamp = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""An instant; naive times are refused, others are turned to UTC."""


class Stage(StrEnum):
    """How far an application has come, in ascending order."""

    APPLIED = "applied"
    SCREENING = "screening"
    ASSESSMENT = "assessment"
    INTERVIEW = "interview"
    FINAL_INTERVIEW = "final_interview"
    OFFER = "offer"

    @property
    def rank(self) -> int:
        """0 for `applied`, rising; fit for comparison in SQL."""
        return list(Stage).index(self)


class Outcome(StrEnum):
    """How an application ended, apart from how far it came."""

    PENDING = "pending"
    HIRED = "hired"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    JOB_CLOSED = "job_closed"
    TRANSFERRED = "transferred"


class Purpose(StrEnum):
    """What somebody may be written to about."""

    THIS_APPLICATION = "this_application"
    FUTURE_JOBS = "future_jobs"
    MARKETING = "marketing"
    SURVEY = "survey"
    SMS_REMINDER = "sms_reminder"
    SHARE_WITH_GROUP = "share_with_group"


class Channel(StrEnum):
    """How somebody is reached; `any` stands for every channel."""

    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    POST = "post"
    ANY = "any"


class ConsentStatus(StrEnum):
    """What one statement says."""

    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"


class StatedBy(StrEnum):
    """Who made a statement, which decides what it may lift."""

    CANDIDATE = "candidate"
    CANDIDATE_CONFIRMED = "candidate_confirmed"
    RECRUITER = "recruiter"
    VENDOR_DEFAULT = "vendor_default"
    IMPORT = "import"


class RemovalCause(StrEnum):
    """Why a source no longer holds a record."""

    MERGED_UPSTREAM = "merged_upstream"
    ERASED = "erased"
    RETENTION = "retention"
    DELETED = "deleted"
    LEFT_SCOPE = "left_scope"
    FILTERED = "filtered"
    MISSING = "missing"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class EmailAddress(_Value):
    """An address as the source holds it; it is written to exactly so."""

    value: str
    email_address_type: Literal["personal", "work", "other"] = "other"
    is_primary: bool = False


class PhoneNumber(_Value):
    """A number as the source holds it; E.164 is made of it later, beside it."""

    value: str
    phone_number_type: str = "other"
    is_primary: bool = False


class Url(_Value):
    """A profile or page of the candidate's."""

    value: str
    url_type: str = "other"


class Location(_Value):
    """A place; `raw` is the source's own text."""

    street: str | None = None
    city: str | None = None
    region: str | None = None
    country_code: str | None = None
    postal_code: str | None = None
    raw: str | None = None


class Attachment(_Value):
    """What is known of a file; never its link, which dies after days, and never its content."""

    id: str
    kind: str = "other"
    file_name: str | None = None
    content_type: str | None = None
    bytes: int | None = None
    sha256: str | None = None


class ApplicationSource(_Value):
    """Where an application came from."""

    remote_id: str | None = None
    name: str | None = None
    family: Literal["job_board", "ats", "portal", "referral", "agency", "sourcing", "event", "import"] | None = None
    campaign: str | None = None
    utm: Mapping[str, str] = Field(default_factory=dict)


class Referrer(_Value):
    """Who recommended somebody: an id at the source, a link of ours, or an address to be resolved."""

    remote_id: str | None = None
    link_token: str | None = None
    name: str | None = None
    email: str | None = None


class RejectReason(_Value):
    """Why an application was rejected, and by whom."""

    remote_id: str | None = None
    name: str | None = None
    by: Literal["employer", "candidate", "system"] = "employer"


class Evidence(_Value):
    """What proves a statement."""

    kind: Literal["form_tick", "double_opt_in", "one_click", "vendor_field", "call_note", "file", "application"]
    form_id: str | None = None
    message_id: str | None = None
    notice_id: str | None = None
    notice_version: str | None = None
    wording_sha256: str | None = None
    language: str | None = None


class Record(_Value):
    """One object at a source. `parent` is the (record type, remote id) it hangs on, if any."""

    record_type: ClassVar[str]
    remote_id: str
    remote_created_at: Timestamp | None = None
    remote_updated_at: Timestamp | None = None
    remote_url: str | None = None

    @property
    def parent(self) -> tuple[str, str] | None:
        """The record that this one belongs to, at the same connection."""
        return None


class Candidate(Record):
    """One source's view of one person."""

    record_type: ClassVar[str] = "candidate"
    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    preferred_name: str | None = None
    email_addresses: tuple[EmailAddress, ...] = ()
    phone_numbers: tuple[PhoneNumber, ...] = ()
    urls: tuple[Url, ...] = ()
    person_numbers: tuple[str, ...] = ()
    location: Location | None = None
    time_zone: str | None = None
    language: str | None = None
    company: str | None = None
    title: str | None = None
    profile: Mapping[str, Any] | None = None
    tags: tuple[str, ...] = ()
    origins: tuple[
        Literal["applied", "sourced", "referred", "agency", "internal", "event", "talent_community", "import"], ...
    ] = ()
    relationship: Literal["candidate", "employee", "former_employee"] | None = None
    is_private: bool | None = None
    custom_fields: Mapping[str, Any] = Field(default_factory=dict)
    merged_into: str | None = None


class Application(Record):
    """One candidacy for one job (or for none: a prospect, a referral, a speculative application)."""

    record_type: ClassVar[str] = "application"
    candidate_id: str
    job_id: str | None = None
    posting_id: str | None = None
    kind: Literal["application", "prospect", "referral", "sourced", "talent_community"] = "application"
    applied_at: Timestamp | None = None
    stage: Stage | None = None
    stage_id: str | None = None
    stage_name: str | None = None
    stage_entered_at: Timestamp | None = None
    furthest_stage: Stage | None = None
    outcome: Outcome | None = None
    outcome_at: Timestamp | None = None
    on_hold: bool | None = None
    reject_reason: RejectReason | None = None
    source: ApplicationSource | None = None
    credited_to: str | None = None
    referrer: Referrer | None = None
    recruiter_id: str | None = None
    coordinator_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    acknowledged_at: Timestamp | None = None

    @property
    def parent(self) -> tuple[str, str]:
        return ("candidate", self.candidate_id)


class Job(Record):
    """A requisition or pool that people apply to."""

    record_type: ClassVar[str] = "job"
    name: str | None = None
    code: str | None = None
    status: Literal["open", "closed", "draft", "archived", "pending"] | None = None
    type: Literal["requisition", "posting", "pool"] = "requisition"
    confidential: bool | None = None
    departments: tuple[str, ...] = ()
    offices: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()
    employment_type: str | None = None
    description: str | None = None
    language: str | None = None
    hiring_manager_ids: tuple[str, ...] = ()
    recruiter_ids: tuple[str, ...] = ()
    opened_at: Timestamp | None = None
    closed_at: Timestamp | None = None
    public_url: str | None = None


class JobStage(Record):
    """A step of one job's process: the vendor's name for it, and ours."""

    record_type: ClassVar[str] = "job_stage"
    job_id: str
    name: str
    position: int = 0
    stage: Stage

    @property
    def parent(self) -> tuple[str, str]:
        return ("job", self.job_id)


class StageEntry(Record):
    """That an application was in a step, and when; the furthest of them is its furthest stage."""

    record_type: ClassVar[str] = "stage_entry"
    application_id: str
    stage_id: str
    entered_at: Timestamp | None = None
    exited_at: Timestamp | None = None
    current: bool = False

    @property
    def parent(self) -> tuple[str, str]:
        return ("application", self.application_id)


class Disposition(Record):
    """How and why an application ended, where a source tells it apart from the application."""

    record_type: ClassVar[str] = "disposition"
    application_id: str
    outcome: Outcome
    at: Timestamp | None = None
    reason_id: str | None = None
    by_user_id: str | None = None

    @property
    def parent(self) -> tuple[str, str]:
        return ("application", self.application_id)


class Interaction(Record):
    """A thing that happened around an application or a candidate: an interview, scorecard, offer, click."""

    record_type: ClassVar[str] = "interaction"
    type: Literal[
        "applied", "acknowledged", "first_human_contact", "stage_changed", "assessment_invited",
        "assessment_started", "assessment_finished", "interview_invited", "interview_booked",
        "interview_moved", "interview_cancelled", "interview_held", "feedback_due", "feedback_given",
        "offer_made", "offer_accepted", "offer_declined", "decided", "told", "withdrawn", "referral_click",
    ]  # fmt: skip
    application_id: str | None = None
    candidate_id: str | None = None
    at: Timestamp | None = None
    precision: Literal["exact", "day", "inferred"] = "exact"
    actor: Literal["human", "machine", "candidate"] | None = None
    user_id: str | None = None
    details: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def parent(self) -> tuple[str, str] | None:
        if self.application_id:
            return ("application", self.application_id)
        return ("candidate", self.candidate_id) if self.candidate_id else None


class Reference(Record):
    """A named thing that other records point at by id: a source of applications, a referrer, a reject reason."""

    record_type: ClassVar[str] = "reference"
    kind: Literal["source", "referrer", "reject_reason", "tag", "department", "office"]
    name: str | None = None
    details: Mapping[str, Any] = Field(default_factory=dict)


class User(Record):
    """Somebody of the company's who works in the source; not a person of the pool."""

    record_type: ClassVar[str] = "user"
    name: str | None = None
    email: str | None = None
    active: bool = True
    roles: tuple[str, ...] = ()


class ConsentStatement(Record):
    """What somebody allowed or refused. `candidate_id` is null where only an address is known."""

    record_type: ClassVar[str] = "consent"
    candidate_id: str | None = None
    address: str | None = None
    purpose: Purpose
    channel: Channel = Channel.ANY
    status: ConsentStatus
    lawful_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] = "consent"
    stated_by: StatedBy
    stated_at: Timestamp
    expires_at: Timestamp | None = None
    evidence: Evidence
    jurisdiction: str | None = None

    @property
    def parent(self) -> tuple[str, str] | None:
        return ("candidate", self.candidate_id) if self.candidate_id else None


class Deletion(Record):
    """That a source no longer holds `remote_id`; never guessed, always told by the vendor."""

    record_type: ClassVar[str] = "deletion"
    deleted_type: str
    cause: RemovalCause
    at: Timestamp
    merged_into: str | None = None


RECORD_TYPES: Mapping[str, type[Record]] = {
    kind.record_type: kind
    for kind in (
        Candidate,
        Application,
        Job,
        JobStage,
        StageEntry,
        Disposition,
        Interaction,
        Reference,
        User,
        ConsentStatement,
        Deletion,
    )
}
"""Every kind of record by its name in the store."""

PROTECTED_ATTRIBUTES = frozenset(
    {"gender", "ethnicity", "race", "disability", "veteran", "veteran_status", "birth_date", "date_of_birth",
     "age", "photo", "photo_url", "nationality", "marital_status", "religion", "sexual_orientation"}
)  # fmt: skip
"""Names of fields that no record may carry, and no segment, match or delivery may use."""


def utc_now() -> datetime:
    """Return the present instant; called by outermost callers alone, who pass it on."""
    return datetime.now(UTC)
