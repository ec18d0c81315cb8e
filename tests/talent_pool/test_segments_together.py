"""Many segments are asked for together: by few statements, and with the answers that each would have had alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from talent_pool.segments import evaluate
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store
from tests.talent_pool.pool_rows import NOW, Pool, installation, segment

CITIES = ("Lyon", "Oslo", "Graz", "Turin")


def _segments(count: int) -> list[SegmentDefinition]:
    """Return segments of two kinds; several ask the same, and some ask for consent."""
    found: list[SegmentDefinition] = []
    for number in range(count):
        city = CITIES[number % len(CITIES)]
        who = {"all": [{"person.city": city}], "none": [{"application.outcome": "hired"}]}
        if number % 3 == 0:
            who["all"].append({"may_be_contacted": "future_jobs"})
        found.append(segment(f"s{number}", subject="application" if number % 2 else "person", who=who))
    return found


def _fill(pool: Pool) -> None:
    for number in range(12):
        person_id = pool.person(f"p{number}@example.com", city=CITIES[number % len(CITIES)])
        pool.application(person_id, outcome="hired" if number % 5 == 0 else "pending")
        if number % 2:
            pool.statement(record_id=f"rec_{person_id}")


def test_each_segment_finds_what_it_would_have_found_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(store)
    _fill(pool)
    together = _segments(14)
    evaluate(store, installation(*together), NOW)
    found = {one.name: pool.open(one.name) for one in together}
    assert any(found.values())
    monkeypatch.setattr("talent_pool.segments.inquiry._SEGMENTS", 1)
    apart = [one.model_copy(update={"name": f"apart_{one.name}"}) for one in together]
    evaluate(store, installation(*together, *apart), NOW)
    assert {one.name: pool.open(f"apart_{one.name}") for one in together} == found


def test_more_segments_need_no_more_statements(store: Store) -> None:
    pool = Pool(store)
    _fill(pool)
    counts: list[int] = []
    for count in (4, 40):
        evaluate(store, installation(*_segments(count)), NOW)
        pool.touch("per_0000")
        with _counted(store) as statements:
            evaluate(store, installation(*_segments(count)), NOW)
        counts.append(len(statements))
    assert counts[0] == counts[1]


@contextmanager
def _counted(store: Store) -> Iterator[list[str]]:
    """Collect the statements of the writing connection."""
    statements: list[str] = []

    def _note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(store.engine, "before_cursor_execute", _note)
    try:
        yield statements
    finally:
        event.remove(store.engine, "before_cursor_execute", _note)
