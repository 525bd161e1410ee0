"""``keysvc access-keys``: the third family, at a shell."""

import json
from typing import Any

import pytest

from keysvc.core.service import Service
from keysvc.core.verification.presented import Token
from keysvc.errors import InactiveCredential
from keysvc.model import Kind
from keysvc.model import Origin
from tests.commands.conftest import Run
from tests.conftest import Client

A, B = (f"0d9a6a0e-8f9e-4d0a-8c55-6a3e2f1b7c{n:02}" for n in range(2))
NEW = ("acme", "deploy", "description=for the pipeline")
KEYS = "/organizations/acme/access-keys"


def _json(run: Run, *command: str) -> Any:
    done = run(*command, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_a_key_from_first_to_last(run: Run, service: Service) -> None:
    made = _json(
        *(run, "access-keys", "create", *NEW, "scopes=access-keys:read,verify"),
        *(f"roleIds={A},{B}", "expiresAt=2099-01-31T12:00:00Z", "rateLimit=5"),
    )
    token = made.pop("token")
    caller = service.verifier.admit(Token(token, Kind.ACCESS_KEY), Origin())
    assert (caller.owner, caller.id) == (("organization", "acme"), made["id"])
    assert made["scopes"] == ["access-keys:read", "verify"]
    assert made["roleIds"] == [A, B]
    assert (made["type"], made["suffix"], made["rateLimit"]) == ("user", token[-6:], 5)
    assert made["expiresAt"].startswith("2099-01-31T12:00:00")

    assert _json(run, "access-keys", "show", "acme", made["id"]) == made
    assert _json(run, "access-keys", "list", "acme") == [made]
    for command in (("list", "acme"), ("show", "acme", made["id"])):
        printed = run("access-keys", *command)
        assert made["suffix"] in printed.stdout and "deploy" in printed.stdout
        assert token not in printed.output
    done = run(
        "access-keys", "update", "acme", made["id"], "active=false", "rateLimit="
    )
    assert done.stdout == f"Updated {made['id']}.\n"
    assert _json(run, "access-keys", "show", "acme", made["id"])["rateLimit"] is None
    with pytest.raises(InactiveCredential):
        service.verifier.admit(Token(token, Kind.ACCESS_KEY), Origin())
    delete = ("access-keys", "delete", "acme", made["id"])
    assert run(*delete, input="n\n").exit_code == 1
    assert run(*delete, "--yes").stdout == f"Deleted {made['id']}.\n"
    assert _json(run, "access-keys", "list", "acme") == []


def test_a_new_key_may_do_nothing(run: Run, service: Service) -> None:
    token = _json(run, "access-keys", "create", *NEW)["token"]
    assert service.verifier.admit(Token(token), Origin()).scopes == ()


def test_its_token_is_printed_once(run: Run) -> None:
    done = run("access-keys", "create", *NEW)
    assert done.exit_code == 0
    assert done.stdout.count("kso_") == 1


def test_a_managed_key_is_the_command_lines_alone(run: Run, admin: Client) -> None:
    made = _json(run, "access-keys", "create", *NEW, "--managed")
    path = f"{KEYS}/{made['id']}"
    assert made["type"] == "managed"
    assert admin.patch(path, json={"name": "x"}).status_code == 409
    assert admin.delete(path).status_code == 409

    assert run("access-keys", "update", "acme", made["id"], "name=x").exit_code == 0
    # It stays so, whatever is changed.
    changed = admin.get(path).json
    assert changed is not None
    assert (changed["name"], changed["type"]) == ("x", "managed")
    assert run("access-keys", "delete", "acme", made["id"], "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("active=maybe", "active: "),
        ("rateLimit=-1", "rateLimit: "),
        ("scopes=READ", "scopes: "),
        ("roleIds=x", "roleIds: "),
        ("roleIds=", "roleIds: "),
        ("name=a\tb", "name: "),
        ("suffix=x", "suffix: "),
        ("managed=true", "managed: "),
        ("colour", "colour: "),
    ],
)
def test_a_wrong_property_is_told_in_a_sentence(
    run: Run, given: str, said: str
) -> None:
    made = _json(run, "access-keys", "create", *NEW)
    for command in (("create", *NEW), ("update", "acme", made["id"])):
        if command[0] == "create" and given.startswith("name="):
            continue
        done = run("access-keys", *command, given)
        assert done.exit_code == 1
        assert done.stderr.startswith(f"Error: {said}"), done.stderr
    assert len(_json(run, "access-keys", "list", "acme")) == 1


def test_a_new_key_needs_a_description(run: Run) -> None:
    done = run("access-keys", "create", "acme", "deploy")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: description: ")


@pytest.mark.parametrize("organization", ["", "x" * 129, "a\x1b"])
def test_a_bad_organization_is_refused(run: Run, organization: str) -> None:
    for command in (
        ("create", organization, "n", "description=d"),
        ("list", organization),
        ("show", organization, A),
    ):
        done = run("access-keys", *command)
        assert done.exit_code == 1
        assert done.stderr.startswith("Error: ORGANIZATION: ")


def test_what_is_not_there_is_told(run: Run) -> None:
    made = _json(run, "access-keys", "create", *NEW)
    for command in (
        ("show", "acme", A),
        ("show", "acme", "deploy"),
        ("show", "umbrella", made["id"]),
        ("update", "umbrella", made["id"], "name=x"),
        ("delete", "acme", A, "--yes"),
    ):
        done = run("access-keys", *command)
        assert done.exit_code == 1, command
        assert done.stderr == "Error: There is no such credential.\n"
