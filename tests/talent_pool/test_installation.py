"""Reading an installation: what the repository ships, and clear words for what is wrong with a company's own."""

from pathlib import Path

import pytest

from connectors.errors import Misconfigured
from dedupe.survivorship_rules import DEFAULTS
from talent_pool import installation

SEGMENT = """\
type: dagster_project.components.CandidateSegment
attributes:
  name: {name}
  description: somebody
  type: marketing
  purpose: future_jobs
  who:
    all:
      - person.relationship: candidate
{extra}"""


def _written(folder: Path, text: str, name: str = "segments") -> Path:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "defs.yaml").write_text(text)
    return folder


def _segment(name: str, extra: str = "") -> str:
    return SEGMENT.format(name=name, extra=extra)


def test_the_example_is_whole() -> None:
    example = installation.read()
    assert set(example.segments) == {
        "acknowledge_new_applicants", "acknowledge_by_text", "silver_medallists", "passive_talent",
        "referred_not_contacted", "interview_booking_invitation", "night_before_tips", "early_rejection",
        "final_rejection", "rediscovery",
        "referrer_thanks", "feedback_overdue", "consent_running_out", "alumni",
    }  # fmt: skip
    assert all(len(one.description) > 50 for one in example.segments.values())
    assert {push.segment for one in example.destinations.values() for push in one.pushes} <= set(example.segments)
    assert all(place.partition(":")[0].endswith("defs.yaml") for place in example.lines.values())


def test_a_segment_says_where_it_stands(tmp_path: Path) -> None:
    read = installation.read(_written(tmp_path, _segment("one") + "---\n" + _segment("two")))
    assert read.lines["two"] == f"{tmp_path}/segments/defs.yaml:11"


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_mistake_in_any_of_three_blocks_is_found(tmp_path: Path, bad: int) -> None:
    blocks = [_segment(f"segment_{index}", "  wath: 1\n" if index == bad else "") for index in range(3)]
    with pytest.raises(Misconfigured) as error:
        installation.read(_written(tmp_path, "---\n".join(blocks)))
    line = 10 + sum(block.count("\n") + 1 for block in blocks[:bad])
    assert f"segments/defs.yaml:{line}: wath: Extra inputs are not permitted (known: name, description" in str(
        error.value
    )


def test_a_mistake_within_a_rule_is_told_with_its_line(tmp_path: Path) -> None:
    rule = "      - any:\n        - person.city: Lyon\n        - application:\n            outcome: refused\n"
    with pytest.raises(Misconfigured) as error:
        installation.read(_written(tmp_path, _segment("one") + "---\n" + _segment("two", rule)))
    assert "segments/defs.yaml:23: who.all[1].any[1].application.outcome: outcome is never 'refused'" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("type: [", ":1: this is not YAML"),
        ("type: dagster_project.components.CandidateSegmnt\n", ":1: a block's `type` is one of dagster_project"),
        ("- a list\n", ":1: a block's `type` is one of"),
        ("just words\n", ":1: a block's `type` is one of"),
        (_segment("one").replace("attributes", "atributes"), ":2: a block has no 'atributes'; it has type, attributes"),
        (_segment("one") + "---\n" + _segment("one"), ":13: the name 'one' is taken already at"),
        (_segment("One"), ":3: name: String should match pattern"),
        (_segment("one", "  type: service\n"), ":10: 'type' stands here twice"),
        (_segment("one").replace("  type: marketing\n", ""), "type: Field required"),
        ("type: dagster_project.components.CandidateSegment\n", "attributes: Input should be a valid dictionary"),
        ("type: !python/object:os.system x\n", "this is not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(Misconfigured) as error:
        installation.read(_written(tmp_path, text))
    assert f"{tmp_path}/segments/defs.yaml:" in str(error.value)
    assert sentence in str(error.value)


def test_a_push_of_an_unknown_segment_is_told_with_its_line(tmp_path: Path) -> None:
    _written(tmp_path, _segment("one"))
    _written(
        tmp_path,
        "type: dagster_project.components.EngagementDestination\n"
        "attributes:\n  name: mail\n  connector: smtp\n  pushes:\n    - segment: one\n    - segment: tow\n",
        "destinations",
    )
    with pytest.raises(Misconfigured, match=r"destinations/defs.yaml:7: there is no segment 'tow'; there are one\."):
        installation.read(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"does not exist\. Correct CATCHMENT_DEFS"):
        installation.read(tmp_path / "nowhere")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "defs.yaml").write_bytes(b"type: \xff\xfe")
    with pytest.raises(Misconfigured, match="Save it as UTF-8"):
        installation.read(tmp_path)


def test_an_empty_file_is_an_empty_installation(tmp_path: Path) -> None:
    assert not installation.read(_written(tmp_path, "# nothing yet\n---\n")).segments


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(Misconfigured, match="no connection 'greenhaus'; there are archive, careers_form"):
        installation.read().connection("greenhaus")
    with pytest.raises(Misconfigured, match="no destination 'post'; there are export, hubspot, mail"):
        installation.read().destination("post")


SURVIVORSHIP = "type: dagster_project.components.Survivorship\nattributes:\n"
SOURCE = "type: dagster_project.components.CandidateSource\nattributes:\n  name: ats\n  connector: csv_file\n"


def test_survivorship_is_read_and_defaults_stand_where_it_is_silent(tmp_path: Path) -> None:
    assert installation.read(_written(tmp_path, SOURCE)).survivorship == DEFAULTS
    rules = f"---\n{SURVIVORSHIP}  location: most_frequent\n  tags:\n    sources: [ats]\n"
    found = installation.read(_written(tmp_path, SOURCE + rules))
    assert found.survivorship.location.rule == "most_frequent"
    assert list(found.survivorship.tags.sources) == ["ats"]
    assert found.survivorship.language == DEFAULTS.language
    assert found.lines[installation.SURVIVORSHIP].endswith("defs.yaml:6")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "  titel: newest\n",
            ":3: titel: Extra inputs are not permitted (known: name, preferred_name, email_addresses",
        ),
        ("  name: newest\n  location: newst\n", ":4: location.rule: Input should be 'most_trusted', 'newest'"),
        ("  location:\n    rule: newst\n", ":4: location.rule: Input should be"),
        ("  location:\n    ruel: newest\n", ":4: location.ruel: Extra inputs are not permitted."),
        ("  location: any\n", ":3: location: any is a rule for is_private alone."),
        ("  location:\n    sources:\n      - ats\n", ":5: there is no connection 'ats'; there are none."),
        (f"  name: newest\n---\n{SURVIVORSHIP}  name: newest\n", ":5: rules for survivorship stand already at"),
    ],
)
def test_a_mistake_in_the_survivorship_is_told_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(Misconfigured) as error:
        installation.read(_written(tmp_path, SURVIVORSHIP + text))
    assert sentence in str(error.value)
