"""The examples with the real proxies: who gets through, and what the others hear."""

import time

import pytest

from tests.api.signer import Signer
from tests.proxies.stages import basic
from tests.proxies.stages import echoed
from tests.proxies.stages import signer_of
from tests.proxies.stages import Stage
from tests.service.servers import Answer

NOBODY = "KPAAAAAAAAAAAAAAAAAA", "a" * 40


def refusal(answer: Answer) -> int:
    """Return the status of a refusal: the application was not reached."""
    assert "keysvc" not in answer.text.replace("X-Keysvc", "")
    return answer.status


def test_who_is_known_gets_through_and_is_named(stage: Stage) -> None:
    pair = stage.issue("zo%C3%AB", scopes=["jobs:run", "verify"])

    answer = stage.ask("POST", "/orders?a=%2F", basic(pair), b"a body")

    assert echoed(answer) == {
        "method": "POST",
        "target": "/orders?a=%2F",
        "body": "a body",
        "keysvc": {
            "HTTP_X_KEYSVC_KIND": "keypair",
            "HTTP_X_KEYSVC_ID": pair[0],
            "HTTP_X_KEYSVC_OWNER": "zo%C3%AB",
            "HTTP_X_KEYSVC_OWNER_KIND": "user",
            "HTTP_X_KEYSVC_SCOPES": "jobs:run,verify",
        },
    }


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_an_api_key_in_either_header(stage: Stage, header: str) -> None:
    key, _ = stage.issue_key(f"either-{header}")
    word = "Bearer " if header == "Authorization" else ""

    told = echoed(stage.ask(headers={header: word + key}))["keysvc"]

    assert told["HTTP_X_KEYSVC_KIND"] == "api_key"
    assert told["HTTP_X_KEYSVC_OWNER_KIND"] == "service_account"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic(NOBODY),
        {"Authorization": "Basic %%%"},
        {"Authorization": "Bearer abc"},
        {"Authorization": "BackendAI signMethod=HMAC-SHA256, credential=a:b"},
        {"X-API-Key": "ksa_abc"},
    ],
)
def test_nobody_is_told_how_to_come(stage: Stage, headers: dict[str, str]) -> None:
    for method in ("GET", "POST", "HEAD", "REPORT"):
        answer = stage.ask(method, "/", headers)

        assert refusal(answer) == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_each_place_demands_its_scope(stage: Stage) -> None:
    runner = basic(stage.issue(scopes=["jobs:*"]))
    other = basic(stage.issue(scopes=["verify"]))

    assert echoed(stage.ask("GET", "/jobs/7", runner))["target"] == "/jobs/7"
    assert refusal(stage.ask("GET", "/jobs/7", other)) == 403
    assert refusal(stage.ask("GET", "/jobs/../jobs/7", other)) == 403
    assert refusal(stage.ask("GET", "/jobs/7", {})) == 401
    assert stage.ask("GET", "/jobless", other).status == 200


def test_the_revoked_are_refused_after_a_second(stage: Stage) -> None:
    pair = stage.issue()
    key, path = stage.issue_key("revoked")
    shown = [basic(pair), {"X-API-Key": key}]
    assert [stage.ask(headers=h).status for h in shown * 2] == [200] * 4

    gone = stage.control.ask(
        "DELETE", f"/v2/admin/keypairs/alice/{pair[0]}", stage.admin
    )
    assert gone.status == 204
    assert stage.control.ask("DELETE", path, stage.admin).status == 200
    time.sleep(1)

    assert [refusal(stage.ask(headers=h)) for h in shown * 5] == [401] * 10


def test_too_often_is_told_with_the_moment_to_come_again(stage: Stage) -> None:
    key, _ = stage.issue_key("often", rate_limit=1)
    headers = {"X-API-Key": key}
    assert stage.ask(headers=headers).status == 200

    answer = stage.ask(headers=headers)

    assert refusal(answer) == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 900


def test_a_spent_quota_has_no_such_moment(stage: Stage) -> None:
    key, _ = stage.issue_key("spent", remaining=1)
    assert stage.ask(headers={"X-API-Key": key}).status == 200

    answer = stage.ask(headers={"X-API-Key": key})

    assert refusal(answer) == 429
    assert "retry-after" not in answer.headers


# Signatures: of what the client has asked, whatever the proxy makes of it.


@pytest.fixture(scope="module")
def signer(stage: Stage) -> Signer:
    return signer_of(stage.issue(scopes=["jobs:run"]))


@pytest.mark.parametrize(
    "target", ["/", "/jobs/7", "/jobs/7?a=b&c=%2F", "/a%20b/%C3%A9?q=x+y", "/?"]
)
def test_a_signed_request_gets_through(
    stage: Stage, signer: Signer, target: str
) -> None:
    headers = signer.headers("GET", target)

    assert [stage.ask("GET", target, headers).status for _ in range(2)] == [200] * 2


def test_a_signed_change_gets_through_once(stage: Stage, signer: Signer) -> None:
    fresh = signer_of((signer.access_key, signer.secret_key))
    headers = fresh.headers("POST", "/jobs/", b'{"a": 1}')

    came = echoed(stage.ask("POST", "/jobs/", headers, b'{"a": 1}'))

    assert (came["method"], came["body"]) == ("POST", '{"a": 1}')
    assert refusal(stage.ask("POST", "/jobs/", headers, b'{"a": 1}')) == 401


@pytest.mark.parametrize(
    ("method", "target", "host"),
    [
        ("POST", "/orders", "api.example.org"),
        ("DELETE", "/orders", "api.example.org"),
        ("GET", "/others", "api.example.org"),
        ("GET", "/orders?all=1", "api.example.org"),
        ("GET", "/orders", "other.example.org"),
    ],
)
def test_it_is_good_for_nothing_else(
    stage: Stage, signer: Signer, method: str, target: str, host: str
) -> None:
    headers = signer.headers("GET", "/orders") | {"Host": host}

    assert refusal(stage.ask(method, target, headers)) == 401


# The wire to keysvc.


def test_connections_to_keysvc_are_kept_and_no_body_goes_there(stage: Stage) -> None:
    headers = basic(stage.issue())
    stage.wire.forget()

    for number in range(20):
        body = f"a secret body {number}".encode() * 100
        assert stage.ask("POST", "/upload", headers, body).status == 200

    assert stage.wire.connections <= 2
    assert stage.wire.sent.count(b"GET /v1/auth") == 20
    assert b"a secret body" not in stage.wire.sent


def test_without_keysvc_nobody_gets_through(stage: Stage) -> None:
    headers = basic(stage.issue())
    assert stage.ask(headers=headers).status == 200

    stage.wire.cut()
    try:
        for shown in (headers, {}, {"X-Keysvc-Kind": "keypair"}):
            for target in ("/", "/jobs/7"):
                answer = stage.ask("GET", target, shown)
                assert refusal(answer) == 503
                assert int(answer.headers["retry-after"]) >= 1
    finally:
        stage.wire.mend()

    assert stage.ask(headers=headers).status == 200
