"""The configuration of nginx that docs/operations.md shows does what is said of it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxies.stages import AROUND
from tests.proxies.stages import basic
from tests.proxies.stages import echoed
from tests.proxies.stages import Kind
from tests.proxies.stages import nginx
from tests.proxies.stages import signer_of
from tests.proxies.stages import Stage
from tests.proxies.stages import standing

SHOWN = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return what the document shows, standing."""
    blocks = re.findall(r"^```nginx\n(.*?)^```$", SHOWN.read_text(), re.M | re.S)
    [shown] = [block for block in blocks if "auth_request" in block]
    written = tmp_path_factory.mktemp("document") / "nginx.conf"
    written.write_text(AROUND.format(shown=shown))
    with standing(
        Kind(nginx(written), "x-original"), tmp_path_factory.mktemp("stage")
    ) as stage:
        yield stage


def test_who_is_known_gets_through_and_is_named(stage: Stage) -> None:
    spoofed = {"X-Keysvc-Owner": "root"}

    told = echoed(stage.ask("POST", "/a", basic(stage.issue()) | spoofed, b"body"))

    assert (told["method"], told["body"]) == ("POST", "body")
    assert told["keysvc"]["HTTP_X_KEYSVC_OWNER"] == "alice"


def test_nobody_else_does(stage: Stage) -> None:
    answer = stage.ask()

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_signed_change_gets_through_once(stage: Stage) -> None:
    headers = signer_of(stage.issue()).headers("POST", "/a?b=%2F")

    asked = [stage.ask("POST", "/a?b=%2F", headers, b"{}").status for _ in range(2)]

    assert asked == [200, 401]


@pytest.mark.parametrize("family", ["X-Original", "X-Forwarded"])
def test_no_client_says_where_it_is_or_what_it_asks(stage: Stage, family: str) -> None:
    key, _ = stage.issue_key(f"near-{family}", allowed_ips=["127.0.0.2"])
    shown = {"X-API-Key": key, f"{family}-For": "127.0.0.2"}
    told = {f"{family}-{name}": "GET" for name in ("Method", "Uri", "Host")}
    signed = signer_of(stage.issue()).headers("GET", "/a") | told

    assert stage.ask(headers=shown, source="127.0.0.3").status == 403
    assert stage.ask(headers=shown, source="127.0.0.2").status == 200
    assert stage.ask("DELETE", "/a", signed | {f"{family}-Uri": "/a"}).status == 401
    assert stage.ask("GET", "/a", signed).status == 200


def test_without_keysvc_nobody_gets_through(stage: Stage) -> None:
    headers = basic(stage.issue())
    stage.wire.cut()
    try:
        assert stage.ask(headers=headers).status == 500
    finally:
        stage.wire.mend()
