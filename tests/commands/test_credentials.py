"""``keysvc rotate``, ``keysvc stale``, ``keysvc deactivate``."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from keysvc.core.clock import utcnow
from keysvc.core.service import Service
from keysvc.core.verification.presented import Pair
from keysvc.errors import InactiveCredential
from keysvc.errors import UnknownCredential
from keysvc.model import Issued
from keysvc.model import Origin
from tests.api.organizations import issue_key
from tests.commands.conftest import Run

Issue = Callable[..., Issued]


def _json(run: Run, *command: str) -> Any:
    done = run(*command, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def admit(service: Service, id_: str, secret: str) -> None:
    service.verifier.admit(Pair(id_, secret), Origin())


def test_a_credential_of_any_family_is_rotated(
    run: Run, service: Service, issue: Issue
) -> None:
    made = issue("alice")
    id_ = made.credential.public_id
    turned = _json(run, "rotate", id_, "--grace", "60")
    assert list(turned) == ["kind", "id", "graceUntil", "secret"]
    for secret in (made.secret, turned["secret"]):
        admit(service, id_, secret)

    again = run("rotate", id_)
    assert again.exit_code == 0 and "secret" in again.stdout
    for secret in (made.secret, turned["secret"]):
        with pytest.raises(UnknownCredential):
            admit(service, id_, secret)
    # The shell may rotate what the API must not.
    managed = issue_key(service, attributes={"managed": True}).credential
    assert _json(run, "rotate", str(managed.id))["secret"].startswith("kso_")
    assert run("rotate", "KPAAAAAAAAAAAAAAAAAA").exit_code == 1
    assert run("rotate", id_, "--grace", "-1").exit_code == 2


def test_what_to_clean_up_is_found(run: Run, service: Service, issue: Issue) -> None:
    soon = issue("alice", expires_at=utcnow() + timedelta(days=3)).credential
    bob = issue("bob").credential
    key = issue_key(service).credential

    def found(*options: str) -> list[str]:
        return [item["id"] for item in _json(run, "stale", *options)]

    assert found() == [soon.public_id, bob.public_id, str(key.id)]
    assert found("--expires-within", "4d") == [soon.public_id]
    assert found("--unused-for", "1d") == []
    assert found("--kind", "access_key") == [str(key.id)]
    assert found("--owner", "user:bob") == [bob.public_id]
    assert found("--created-by", f"cli:{bob.created_by.id}") == found()
    table = run("stale", "--owner", "user:bob").stdout
    assert "user:bob" in table and bob.public_id in table
    for wrong in (("--owner", "bob"), ("--unused-for", "x"), ("--kind", "session")):
        done = run("stale", *wrong)
        assert done.exit_code == 1
        assert "Traceback" not in done.output


def test_more_than_a_page_is_found(run: Run, issue: Issue) -> None:
    made = [issue("alice").credential.public_id for _ in range(101)]
    assert [item["id"] for item in _json(run, "stale")] == made


def test_whoever_leaves_is_switched_off(
    run: Run, service: Service, issue: Issue
) -> None:
    made = issue("alice")
    id_ = made.credential.public_id
    managed = issue_key(service, attributes={"managed": True}).credential

    dry = run("deactivate", "--owner", "user:alice", "--dry-run")
    assert dry.stdout == f"Would deactivate {id_}.\n"
    admit(service, id_, made.secret)
    done = run("deactivate", "--owner", "user:alice")
    assert done.stdout == f"Deactivated {id_}.\n"
    with pytest.raises(InactiveCredential):
        admit(service, id_, made.secret)
    again = run("deactivate", "--owner", "user:alice")
    assert again.stdout == "There is nothing active.\n"
    maker = f"cli:{managed.created_by.id}"
    ids = _json(run, "deactivate", "--created-by", maker)["ids"]
    assert ids == [str(managed.id)], "the shell may"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--owner", "user:alice", "--created-by", "cli:root"),
        ("--owner", "alice"),
        ("--owner", "operator:x"),
        ("--created-by", "user:alice"),
    ],
)
def test_a_bad_group_is_refused(run: Run, options: tuple[str, ...]) -> None:
    done = run("deactivate", *options)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
