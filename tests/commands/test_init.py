"""``keysvc init`` and ``keysvc migrate``: from nothing, and again."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keysvc.store import migrate
from tests.commands.conftest import Run

Begin = Callable[[], Run]

ACCESS_KEY = re.compile(r"KP[A-Z2-7]{18}")
SECRET_KEY = re.compile(r"[0-9A-Za-z]{40}")


def test_init_makes_ring_database_and_administrator(
    begin: Begin, nothing: dict[str, Any]
) -> None:
    done = begin()("init")

    assert done.exit_code == 0
    ring = Path(nothing["KEYSVC_HOME"], "secret-keys")
    assert stat.S_IMODE(ring.stat().st_mode) == 0o600
    assert f"Made a ring of secret keys: {ring}." in done.stderr
    assert "without it every credential is lost" in done.stderr
    assert "Migrated the database: 0001_house." in done.stderr
    assert re.fullmatch(
        rf"accessKey: {ACCESS_KEY.pattern}\nsecretKey: {SECRET_KEY.pattern}\n",
        done.stdout,
    )
    assert "not shown again" in done.stderr


def test_init_json_is_one_keypair_that_works(begin: Begin) -> None:
    run = begin()
    made = json.loads(run("init", "--json").stdout)

    assert set(made) == {"accessKey", "secretKey"}
    assert ACCESS_KEY.fullmatch(made["accessKey"])
    assert SECRET_KEY.fullmatch(made["secretKey"])
    shown = run("keypairs", "show", "admin", made["accessKey"], "--json")
    assert json.loads(shown.stdout)["scopes"] == ["*"]


def test_init_again_changes_nothing_and_says_so(
    begin: Begin, nothing: dict[str, Any]
) -> None:
    begin()("init")
    ring = Path(nothing["KEYSVC_HOME"], "secret-keys").read_bytes()
    records = _good_records(begin())

    again = begin()("init")

    assert again.exit_code == 0
    assert again.stdout == ""
    assert "There is an administrator: nothing to do." in again.stderr
    assert "--new-admin" in again.stderr
    assert Path(nothing["KEYSVC_HOME"], "secret-keys").read_bytes() == ring
    assert _good_records(begin()) == records


def test_init_json_again_is_an_empty_object(begin: Begin) -> None:
    begin()("init")

    again = begin()("init", "--json")

    assert again.exit_code == 0
    assert json.loads(again.stdout) == {}
    assert "nothing to do" in again.stderr


def test_new_admin_makes_another(begin: Begin) -> None:
    run = begin()
    first = json.loads(run("init", "--json").stdout)

    second = json.loads(run("init", "--new-admin", "--json").stdout)

    assert second["accessKey"] != first["accessKey"]
    listed = json.loads(run("keypairs", "list", "admin", "--json").stdout)
    assert [k["accessKey"] for k in listed] == [
        first["accessKey"],
        second["accessKey"],
    ]


@pytest.mark.parametrize(
    "change", ["isActive=false", "scopes=keypairs:read", "expiresAt=2001-01-01T00:00Z"]
)
def test_an_administrator_that_is_none_any_more_is_replaced(
    begin: Begin, change: str
) -> None:
    run = begin()
    first = json.loads(run("init", "--json").stdout)["accessKey"]
    assert run("keypairs", "update", "admin", first, change).exit_code == 0

    second = json.loads(run("init", "--json").stdout)

    assert second["accessKey"] != first


def test_migrate_makes_no_administrator(begin: Begin) -> None:
    run = begin()
    first, again = run("migrate"), run("migrate")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "Migrated the database: 0001_house." in first.stderr
    assert "Migrated" not in again.stderr
    assert "The database is up to date." in again.stderr
    assert migrate.pending() == []
    assert json.loads(run("keypairs", "list", "admin", "--json").stdout) == []


def test_a_lost_ring_is_not_made_anew(begin: Begin, nothing: dict[str, Any]) -> None:
    begin()("init")
    Path(nothing["KEYSVC_HOME"], "secret-keys").unlink()

    done = begin()("init")

    assert done.exit_code == 1
    assert "belongs to another ring" in done.stderr
    assert not Path(nothing["KEYSVC_HOME"], "secret-keys").exists()


def test_before_init_a_command_says_what_to_do(begin: Begin) -> None:
    done = begin()("keypairs", "list", "u1")

    assert done.exit_code == 1
    assert "`keysvc init`" in done.stderr


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_home_that_cannot_be_made_is_told(
    begin: Begin, nothing: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    nothing["KEYSVC_HOME"] = str(tmp_path / "file" / "home")

    done = begin()("init")

    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "KEYSVC_HOME" in done.stderr
    assert str(tmp_path / "file") in done.stderr


def _good_records(run: Run) -> int:
    found = json.loads(run("audit", "verify", "--json").stdout)
    assert found["flaw"] is None
    good: int = found["good"]
    return good
