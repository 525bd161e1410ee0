"""``keysvc audit verify``: its exit code, and the record that it names."""

import json
from typing import Any

import pytest
from flask import Flask

from keysvc.core.service import Service
from keysvc.store.connection import writing
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import AuditRow
from tests.commands.conftest import Run


@pytest.fixture
def records(run: Run) -> int:
    """Make five records of the audit."""
    for _ in range(5):
        assert run("keypairs", "create", "u1").exit_code == 0
    return 5


def test_good(run: Run, records: int) -> None:
    done = run("audit", "verify")

    assert done.exit_code == 0
    assert done.stdout == "5 records are good.\n"


def test_good_as_json(run: Run, records: int) -> None:
    done = run("audit", "verify", "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "good": 5,
        "flaw": None,
        "purged": 0,
        "purgedUntil": None,
    }


def test_nothing_is_good(run: Run) -> None:
    assert run("audit", "verify").exit_code == 0


def _change(app: Flask) -> None:
    AuditRow.update(actor_id="mallory").where(AuditRow.seq == 3).execute()


def _remove(app: Flask) -> None:
    AuditRow.delete().where(AuditRow.seq == 3).execute()


def _swap(app: Flask) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        AuditRow.update(seq=new).where(AuditRow.seq == old).execute()


def _cut(app: Flask) -> None:
    AuditRow.delete().where(AuditRow.seq >= 3).execute()


@pytest.mark.parametrize("tamper", [_change, _remove, _swap, _cut])
def test_the_first_bad_record_is_named(
    app: Flask, run: Run, records: int, tamper: Any
) -> None:
    with writing():
        tamper(app)

    said, told = run("audit", "verify"), run("audit", "verify", "--json")

    assert said.exit_code == told.exit_code == 1
    assert said.stdout == "2 records are good.\n"
    assert said.stderr.startswith("Error: The audit is broken: record 3 ")
    assert json.loads(told.stdout)["good"] == 2
    assert json.loads(told.stdout)["flaw"].startswith("record 3 ")


def test_a_head_that_was_logged_betrays_a_cut_tail(
    service: Service, run: Run, records: int
) -> None:
    with writing():
        row = AuditHeadRow.get()
        witness = f"{row.seq}:{row.mac}"
        last = AuditRow.get(AuditRow.seq == 3)
        AuditRow.delete().where(AuditRow.seq > 3).execute()
        AuditHeadRow.update(seq=last.seq, mac=last.mac).execute()

    blind, told = run("audit", "verify"), run("audit", "verify", "--head", witness)

    assert blind.exit_code == 0
    assert told.exit_code == 1
    assert "record 4 is missing" in told.stderr


def test_a_head_of_this_chain_is_good(run: Run, records: int) -> None:
    with writing():
        rows = [(row.seq, row.mac) for row in AuditRow.select()]

    for seq, mac in rows:
        assert run("audit", "verify", "--head", f"{seq}:{mac}").exit_code == 0


def test_a_head_of_another_chain_is_not(run: Run, records: int) -> None:
    done = run("audit", "verify", "--head", f"2:{'0' * 64}")

    assert done.exit_code == 1
    assert "record 2 was changed or inserted" in done.stderr


@pytest.mark.parametrize(
    "head",
    [
        "",
        "5",
        "5:",
        f":{'a' * 64}",
        f"x:{'a' * 64}",
        f"-1:{'a' * 64}",
        f"²:{'a' * 64}",
        f"{'9' * 5000}:{'a' * 64}",
        f"5:{'a' * 63}",
        f"5:{'g' * 64}",
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_is_no_head_is_refused(run: Run, head: str) -> None:
    done = run("audit", "verify", "--head", head)

    assert done.exit_code == 2
    assert "looks like 42:" in done.stderr
