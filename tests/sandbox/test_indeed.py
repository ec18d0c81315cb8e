from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import indeed
from sandbox.generator import World
from sandbox.serving import Serving

# keys of Indeed's documented sample application, and the type of their values
APPLICATION = {"locale": str, "appliedOnMillis": int, "job": dict, "applicant": dict}
JOB = {"jobId": str, "jobTitle": str, "jobCompany": str, "jobLocation": str, "jobUrl": str, "jobMeta": str}
FILE = {"contentType": str, "data": str, "fileName": str}


class Intake:
    """Answers from a list, then 200; keeps what it got."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: list[tuple[bytes, str]] = []
        self.app = Starlette(routes=[Route("/", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        self.got.append((await request.body(), request.headers["x-indeed-signature"]))
        return Response(status_code=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
def intake() -> Intake:
    return Intake()


@pytest.fixture
def url(intake: Intake) -> Iterator[str]:
    with Serving({"intake": intake.app}) as serving:
        yield serving.urls["intake"] + "/"


def test_the_published_signature() -> None:
    body = b"{'locale':'en_US','applicant':{'fullName':'John Doe','email':'john.doe@example.com'}}"
    assert indeed.sign("Y0ur api secret key not shared &$%@", body) == "SGadPKocf3HD1LYXm3xGObB6hzk="


def test_applications_have_the_documented_shape(world: World) -> None:
    def fits(data: dict[str, Any], shape: dict[str, type]) -> bool:
        return {name: type(data[name]) for name in shape} == shape

    for one in world.indeed:
        assert fits(one, APPLICATION)
        assert fits(one["job"], JOB)
        assert one["applicant"]["fullName"]
        assert fits(one["applicant"]["resume"]["file"], FILE)
        assert len(one["id"]) == 64


def test_every_application_arrives_signed(world: World, intake: Intake, url: str) -> None:
    assert indeed.deliver(world.indeed[:20], url, "s3cret") == {"200": 20}
    assert len(intake.got) == 20
    assert all(indeed.sign("s3cret", body) == signature for body, signature in intake.got)


@pytest.mark.parametrize("final", [200, 400, 409, 410])
def test_final_answers_are_final(world: World, intake: Intake, url: str, final: int) -> None:
    intake.answers = [final]
    assert indeed.deliver(world.indeed[:1], url, "s3cret") == {str(final): 1}
    assert len(intake.got) == 1


def test_trouble_is_tried_again(world: World, intake: Intake, url: str) -> None:
    intake.answers = [500, 503]
    assert indeed.deliver(world.indeed[:1], url, "s3cret", pause=0.01) == {"200": 1}
    assert len({body for body, _ in intake.got}) == 1
    assert len(intake.got) == 3


def test_nobody_there(world: World) -> None:
    assert indeed.deliver(world.indeed[:1], "http://127.0.0.1:9/", "s3cret", pause=0.01) == {"unreachable": 1}
