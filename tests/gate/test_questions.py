"""What can be asked at the gate: scopes, and nothing else."""

import pytest

from tests.gate.doors import basic
from tests.gate.doors import Door
from tests.gate.doors import identity
from tests.gate.doors import ONE_ENGINE
from tests.gate.doors import refusal
from tests.gate.doors import said

pytestmark = ONE_ENGINE

HELD = ("jobs:*", "verify")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 204),
        ("scope=verify", 204),
        ("scope=jobs:run", 204),
        ("scope=jobs%3Arun", 204),
        ("scope=jobs:run&scope=verify", 204),
        ("scope=verify&scope=verify", 204),
        ("scope=jobs:*", 204),
        ("scope=other", 403),
        ("scope=verify&scope=other", 403),
        ("scope=other&scope=verify", 403),
        ("scope=*", 403),
        ("scope=jobs", 403),
        ("scope=verify:more", 403),
        ("scope=realm:any", 403),
        ("scope=" + "a" * 100, 403),
        ("scope=" + "a" * 101, 400),
        ("scope", 400),
        ("scope=", 400),
        ("scope=verify&scope=", 400),
        ("scope=verify&", 400),
        ("&", 400),
        ("scope=VERIFY", 400),
        ("Scope=verify", 400),
        ("scopes=verify", 400),
        ("scope=verify&cost=2", 400),
        ("scope=verify,jobs:run", 400),
        ("scope=verify+jobs:run", 400),
        ("scope=verify%20", 400),
        ("scope=%00", 400),
        ("scope=%FF", 400),
        ("scope=%C3%A9", 400),
        ("scope=verify;scope=other", 400),
        ("token=x", 400),
    ],
)
def test_a_question(alone: Door, query: str, status: int) -> None:
    answer = alone.ask(basic(alone.issue(scopes=HELD)), query)

    assert answer.status_code == status
    assert status == 204 or refusal(answer) == status


@pytest.mark.parametrize("query", ["", "scope=jobs:run", "scope=other", "scop=verify"])
def test_every_door_takes_the_same_questions(door: Door, query: str) -> None:
    answer = door.ask(basic(door.issue(scopes=HELD)), query)

    expected = {"": 204, "scope=jobs:run": 204, "scope=other": 403, "scop=verify": 400}
    assert answer.status_code == expected[query]


def test_a_slip_in_the_question_tells_nothing_of_the_credential(door: Door) -> None:
    good, nobody = door.ask(basic(door.issue()), "x=1"), door.ask({}, "x=1")

    assert refusal(good) == 400
    assert said(good) == said(nobody)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "REPORT", "BREW"])
def test_only_get_is_answered(door: Door, method: str) -> None:
    answer = door.ask(basic(door.issue()), method=method)

    assert refusal(answer) == 405
    assert (
        {"GET", "HEAD"}
        <= set(answer.headers["Allow"].split(", "))
        <= {
            "GET",
            "HEAD",
            "OPTIONS",
        }
    )


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"{", "application/json"),
        (b"a=b", "application/x-www-form-urlencoded"),
        (b"x" * 70_000, "application/octet-stream"),
        (b"", "text/plain"),
    ],
)
def test_a_body_is_nothing_to_the_gate(
    door: Door, body: bytes, media_type: str
) -> None:
    good = basic(door.issue()) | {"Content-Type": media_type}

    assert identity(door.ask(good, data=body))
    assert refusal(door.ask({"Content-Type": media_type}, data=body)) == 401


def test_alone_it_knows_nothing_else(alone: Door) -> None:
    good = basic(alone.issue(scopes=("*",)))
    for path in ("/", "/v1/auth/", "/V1/auth", "/v1", "/v1/audit", "//v1/auth", ""):
        alone.path = path
        assert refusal(alone.ask(good)) == 404, path
    alone.path = "/healthz"
    assert (alone.ask().status_code, alone.ask().data) == (200, b'{"status":"ok"}')
