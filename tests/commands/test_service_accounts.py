"""``keysvc service-accounts`` and ``keysvc api-keys``."""

import json
from typing import Any

import pytest

from keysvc.core.service import Service
from keysvc.core.verification.presented import Token
from keysvc.errors import InactiveCredential
from keysvc.errors import UnknownCredential
from keysvc.model import Origin
from tests.commands.conftest import Run
from tests.conftest import Client


def _json(run: Run, *command: str) -> Any:
    done = run(*command, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def _owner(service: Service, token: str) -> str:
    owner = service.verifier.admit(Token(token), Origin()).owner
    assert owner is not None
    return owner.id


def test_an_account_from_first_to_last(run: Run) -> None:
    made = _json(
        run, "service-accounts", "create", "ci", "--description", "builds\nall"
    )
    assert (made["name"], made["description"], made["active"]) == (
        *("ci", "builds\nall"),
        True,
    )

    assert _json(run, "service-accounts", "list") == [made]
    for reference in ("ci", made["id"], made["id"].replace("-", "").upper()):
        assert _json(run, "service-accounts", "show", reference) == made
    done = run("service-accounts", "update", "ci", "active=false", "name=cd")
    assert done.stdout == "Updated ci.\n"
    shown = _json(run, "service-accounts", "show", "cd")
    assert (shown["id"], shown["active"]) == (made["id"], False)
    assert "cd" in run("service-accounts", "list").stdout
    assert "cd" in run("service-accounts", "show", "cd").stdout
    assert run("service-accounts", "delete", "cd", input="n\n").exit_code == 1
    assert run("service-accounts", "delete", "cd", "--yes").stdout == "Deleted cd.\n"
    assert _json(run, "service-accounts", "list") == []


def test_an_account_from_outside_is_the_shell_s_alone(run: Run, admin: Client) -> None:
    external = "0c1b2a3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
    made = _json(run, "service-accounts", "create", "sso", "--external", external)
    assert made["external_user_id"] == external

    path = f"/api/v1/service_accounts/{made['id']}"
    assert admin.put(path, json={"full_name": "x"}).status_code == 403
    assert admin.post(f"{path}/api_keys", json={"name": "x"}).status_code == 403
    assert run("service-accounts", "update", "sso", "full_name=x").exit_code == 0
    assert run("api-keys", "create", "sso", "x").exit_code == 0
    assert run("service-accounts", "create", "y", "--external", "no").exit_code == 2


@pytest.mark.parametrize(
    "name", ["", "a/b", "a\x1b", "0c1b2a3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "a" * 256]
)
def test_a_bad_name_is_refused(run: Run, name: str) -> None:
    assert run("service-accounts", "create", "ci").exit_code == 0

    for command in (("service-accounts", "create"), ("api-keys", "create", "ci")):
        done = run(*command, name)
        assert done.exit_code != 0
        assert "Traceback" not in done.output
    assert len(_json(run, "service-accounts", "list")) == 1
    assert _json(run, "api-keys", "list", "ci") == []


def test_a_name_is_taken_once(run: Run) -> None:
    for _ in range(2):
        accounts = run("service-accounts", "create", "ci")
        keys = run("api-keys", "create", "ci", "k")
    assert accounts.stderr == "Error: There is a service account 'ci'.\n"
    assert keys.stderr == "Error: There is a credential 'k'.\n"


def test_a_key_from_first_to_last(run: Run, service: Service) -> None:
    account = _json(run, "service-accounts", "create", "ci")
    made = _json(
        *(run, "api-keys", "create", "ci", "k", "scopes=api-keys:read,verify"),
        *("expires_at=2099-01-31T12:00:00Z", "description=for the runner"),
    )
    token = made.pop("key")
    assert token.startswith("ksa_")
    assert _owner(service, token) == account["id"]
    assert made["scopes"] == ["api-keys:read", "verify"]
    assert made["expires_at"].startswith("2099-01-31T12:00:00")

    for reference in ("k", made["id"]):
        shown = _json(run, "api-keys", "show", "ci", reference)
        assert (shown["id"], shown["scopes"]) == (made["id"], made["scopes"])
    assert [key["id"] for key in _json(run, "api-keys", "list", "ci")] == [made["id"]]
    for command in (("list", "ci"), ("show", "ci", "k")):
        assert token not in run("api-keys", *command).output
    done = run("api-keys", "update", "ci", "k", "active=false")
    assert done.stdout == "Updated k.\n"
    with pytest.raises(InactiveCredential):
        _owner(service, token)
    assert run("api-keys", "delete", "ci", "k", input="n\n").exit_code == 1
    assert run("api-keys", "delete", "ci", "k", "--yes").stdout == "Deleted k.\n"
    assert _json(run, "api-keys", "list", "ci") == []


def test_a_new_key_may_do_nothing(run: Run, service: Service) -> None:
    run("service-accounts", "create", "ci")
    token = _json(run, "api-keys", "create", "ci", "k")["key"]

    assert service.verifier.admit(Token(token), Origin()).scopes == ()


@pytest.mark.parametrize(("retain", "stays"), [("0", False), ("5", True)])
def test_a_rotation_retains_the_old_one(
    run: Run, service: Service, retain: str, stays: bool
) -> None:
    account = _json(run, "service-accounts", "create", "ci")
    old = _json(run, "api-keys", "create", "ci", "k")["key"]

    rotated = _json(run, "api-keys", "rotate", "ci", "k", "--retain", retain)

    assert _owner(service, rotated["key"]) == account["id"]
    assert rotated["retain_period_minutes"] == int(retain)
    assert rotated["last_rotated"]
    if stays:
        assert _owner(service, old) == account["id"]
    else:
        with pytest.raises(UnknownCredential):
            _owner(service, old)
    assert run("api-keys", "rotate", "ci", "k", "--retain", "525601").exit_code == 2


@pytest.mark.parametrize("given", ["colour=red", "active", "rate_limit=-1"])
def test_what_is_no_property_is_told(run: Run, given: str) -> None:
    run("service-accounts", "create", "ci")
    run("api-keys", "create", "ci", "k")

    for command in (
        ("service-accounts", "update", "ci"),
        ("api-keys", "update", "ci", "k"),
    ):
        done = run(*command, given)
        assert done.exit_code != 0
        assert given.partition("=")[0] in done.stderr


def test_what_is_not_there_is_told(run: Run) -> None:
    run("service-accounts", "create", "ci")
    for command in (
        ("service-accounts", "show", "no"),
        ("service-accounts", "delete", "no", "--yes"),
        ("api-keys", "list", "no"),
        ("api-keys", "create", "no", "k"),
        ("api-keys", "show", "ci", "no"),
        ("api-keys", "rotate", "ci", "no"),
        ("api-keys", "delete", "ci", "no", "--yes"),
    ):
        done = run(*command)
        assert done.exit_code == 1, command
        assert done.stderr.startswith("Error: There is no such ")
