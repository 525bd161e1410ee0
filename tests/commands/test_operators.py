"""``keysvc operators`` and ``keysvc sessions``."""

import json
from typing import Any

import pytest

from keysvc.core.service import Service
from keysvc.core.verification.presented import Token
from keysvc.errors import UnknownCredential
from keysvc.model import Login
from keysvc.model import Origin
from keysvc.model import PasswordLogin
from tests.commands.conftest import Run

PASSWORD = "a password of hers"
OTHER = "another password of hers"


def _add(run: Run, name: str = "ann", scopes: str = "api-keys:read,verify") -> None:
    done = run(
        *("operators", "add", name, "--scopes", scopes, "--password-stdin"),
        input=f"{PASSWORD}\n",
    )
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"Made {name}.\n"


def _log_in(service: Service, password: str = PASSWORD) -> Login:
    return service.sessions.log_in(PasswordLogin("ann", password), Origin())


def _listed(run: Run, what: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(run(what, "list", "--json").stdout)
    return listed


def test_who_was_added_may_log_in(run: Run, service: Service) -> None:
    _add(run)

    caller = service.verifier.admit(Token(_log_in(service).token), Origin())
    assert caller.scopes == ("api-keys:read", "verify")
    [row] = _listed(run, "operators")
    assert row.pop("created")
    assert row == {"name": "ann", "active": True, "scopes": ["api-keys:read", "verify"]}
    table = run("operators", "list").stdout
    assert table.splitlines()[0].split() == ["name", "active", "scopes", "created"]
    assert PASSWORD not in table


def test_a_name_is_taken_once(run: Run) -> None:
    _add(run)

    done = run("operators", "add", "ann", "--password-stdin", input=PASSWORD)

    assert done.exit_code == 1
    assert done.stderr == "Error: There is an operator 'ann'.\n"


@pytest.mark.parametrize("password", ["", "short", "a" * 11, "a" * 4097])
def test_a_bad_password_is_refused_and_not_told(run: Run, password: str) -> None:
    _add(run, "bob")
    for command in (("add", "ann"), ("passwd", "bob")):
        done = run("operators", *command, "--password-stdin", input=password)

        assert done.exit_code == 1
        assert "12 to 4096 characters" in done.stderr
        assert not password or password not in done.output
    assert [row["name"] for row in _listed(run, "operators")] == ["bob"]


def test_a_long_password_is_fine(run: Run, service: Service) -> None:
    long = "\u00e9" * 4096
    assert not run("operators", "add", "ann", "--password-stdin", input=long).exit_code

    _log_in(service, long)
    with pytest.raises(UnknownCredential):
        _log_in(service, long[:-1])


def test_a_person_is_asked_for_the_password(run: Run, service: Service) -> None:
    done = run("operators", "add", "ann", input=f"{PASSWORD}\n{PASSWORD}\n")

    assert done.exit_code == 0
    assert PASSWORD not in done.output
    _log_in(service)


@pytest.mark.parametrize("scopes", ["A", "a b", "\u00e9"])
def test_a_bad_scope_is_refused(run: Run, scopes: str) -> None:
    _add(run, "bob")
    for command in (
        ("add", "ann", "--scopes", scopes, "--password-stdin"),
        ("scopes", "bob", scopes),
    ):
        done = run("operators", *command, input=PASSWORD)

        assert done.exit_code != 0
        assert "A scope has 1 to 100 characters" in done.stderr
    assert len(_listed(run, "operators")) == 1


def test_a_new_password_ends_the_sessions_of_the_old(
    run: Run, service: Service
) -> None:
    _add(run)
    token = _log_in(service).token

    done = run("operators", "passwd", "ann", "--password-stdin", input=OTHER)

    assert done.stdout == "Changed the password of ann.\n"
    for old in (
        lambda: service.verifier.admit(Token(token), Origin()),
        lambda: _log_in(service),
    ):
        with pytest.raises(UnknownCredential):
            old()
    assert OTHER not in done.output
    _log_in(service, OTHER)


def test_what_may_be_done_can_be_changed(run: Run, service: Service) -> None:
    _add(run)
    token = _log_in(service).token

    assert run("operators", "scopes", "ann", "*").stdout.startswith("Changed")
    assert service.verifier.admit(Token(token), Origin()).scopes == ("*",)
    assert run("operators", "scopes", "ann", "").exit_code == 0
    assert service.verifier.admit(Token(token), Origin()).scopes == ()


def test_a_disabled_operator_comes_back(run: Run, service: Service) -> None:
    _add(run)

    assert run("operators", "disable", "ann").stdout == "Disabled ann.\n"
    with pytest.raises(UnknownCredential):
        _log_in(service)
    assert [row["active"] for row in _listed(run, "operators")] == [False]
    assert run("operators", "enable", "ann").stdout == "Enabled ann.\n"
    _log_in(service)


def test_delete_asks_first(run: Run, service: Service) -> None:
    _add(run)
    _log_in(service)

    assert run("operators", "delete", "ann", input="n\n").exit_code == 1
    assert len(_listed(run, "operators")) == 1
    assert run("operators", "delete", "ann", "--yes").stdout == "Deleted ann.\n"
    assert _listed(run, "operators") == []
    assert _listed(run, "sessions") == []


@pytest.mark.parametrize(
    "command", [("disable",), ("enable",), ("scopes",), ("passwd",), ("delete",)]
)
def test_an_unknown_operator_is_told(run: Run, command: tuple[str, ...]) -> None:
    more = {"scopes": ["*"], "passwd": ["--password-stdin"], "delete": ["--yes"]}
    given = more.get(command[0], [])

    done = run("operators", *command, "nobody", *given, input=PASSWORD)

    assert done.exit_code == 1
    assert done.stderr == "Error: There is no operator 'nobody'.\n"


def test_a_session_is_listed_and_ended(run: Run, service: Service) -> None:
    _add(run)
    login = _log_in(service)

    [row] = _listed(run, "sessions")
    assert row["id"] == str(login.session.id)
    assert row["of"] == f"operator {login.session.operator_id}"
    assert login.token not in run("sessions", "list").stdout
    assert run("sessions", "end", row["id"]).stdout == f"Ended {row['id']}.\n"
    assert _listed(run, "sessions") == []
    with pytest.raises(UnknownCredential):
        service.verifier.admit(Token(login.token), Origin())
    again = run("sessions", "end", row["id"])
    assert again.exit_code == 1
    assert again.stderr == "Error: There is no such session.\n"
