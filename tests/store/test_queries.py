"""What is asked often is answered from an index."""

import re
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from keysvc.model import Actor
from keysvc.model import Brief
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Listing
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Secret
from keysvc.model import Window
from keysvc.store import audit
from keysvc.store import credentials
from keysvc.store import keysets
from keysvc.store import lookup
from keysvc.store import ring
from keysvc.store import rows
from keysvc.store.connection import is_postgres
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.rows import BRIEF
from keysvc.store.rows import FULL
from keysvc.store.tables import AuditRow
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
KEY = "0123456789abcdef"
USERS = 10
EACH = 50


@pytest.fixture
def many(bound: str) -> None:
    """Keep 500 credentials of 10 users, and as many records."""
    with writing():
        ring.remember(KEY, BEGIN)
        made = [
            {
                **rows.columns(_credential(user, number)),
                **Secret("d" * 64, KEY)._asdict(),
            }
            for user in range(USERS)
            for number in range(EACH)
        ]
        CredentialRow.insert_many(made).execute()
        AuditRow.insert_many([_record(seq) for seq in range(1, 501)]).execute()
        database.execute_sql("ANALYZE")


def _credential(user: int, number: int) -> Credential:
    return Credential(
        id=uuid4(),
        kind=Kind.KEYPAIR,
        owner=_user(user),
        public_id=f"KP{user:04}{number:04}",
        # One moment for each two: the public id decides between them.
        created_at=BEGIN + timedelta(seconds=number // 2),
        updated_at=BEGIN,
        created_by=Actor("cli", "root"),
    )


def _user(number: int) -> Owner:
    return Owner(OwnerKind.USER, f"user{number}")


def _record(seq: int) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": BEGIN,
        "actor_kind": "cli",
        "actor_id": "root",
        "action": "credential.create",
        "owner_kind": OwnerKind.USER,
        "owner_id": f"user{seq % USERS}",
        "key_id": KEY,
        "mac": "0" * 64,
    }


def _cut(after: Any, descending: bool) -> object:
    return keysets.cut(Kind.KEYPAIR, _user(3), after, 11, descending=descending)


ASK: tuple[Callable[[], object], ...] = (
    lambda: lookup.find("KP00030007"),
    lambda: credentials.page(Kind.KEYPAIR, _user(3), Listing(Window(10, 2)), FULL),
    lambda: credentials.page(Kind.KEYPAIR, _user(3), Listing(Window(10, 2)), BRIEF),
    lambda: credentials.get(Kind.KEYPAIR, _user(3), "KP00030007"),
    lambda: audit.page(None, 400, 20),
    lambda: audit.page(_user(3), 100, 20),
)

#: Parts of a list that is read by its keys: the first one, and one from the middle.
CUTS: tuple[Callable[[], object], ...] = tuple(
    partial(_cut, after, descending)
    for after in (None, ["2030-01-01 00:00:10.000000+00:00", "7" * 32])
    for descending in (False, True)
)


def test_nothing_is_searched_row_by_row(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    selects = _selects(ASK, monkeypatch)

    assert len(selects) == len(ASK) + 2, "a page also counts"
    for sql, params in selects:
        plan = _plan(sql, params)
        assert "index" in plan.lower() or "PRIMARY KEY" in plan, plan
        # Of service accounts there are none here, and none are quick to search; what
        # was found is read from end to end.
        searched = plan.replace("Seq Scan on keysvc_service_account", "")
        searched = searched.replace("SCAN found", "")
        assert "Seq Scan" not in searched and "SCAN" not in searched, plan


def test_a_part_costs_what_it_holds_wherever_it_lies(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No scan, no sort, no offset, no count: the index is entered where it goes on."""
    selects = _selects(CUTS, monkeypatch)

    assert len(selects) == len(CUTS)
    with writing():
        if is_postgres():
            # Of 50 rows it reads all as gladly: what matters is what it can do.
            for way in ("seqscan", "bitmapscan", "sort"):
                database.execute_sql(f"SET LOCAL enable_{way} = off")
        plans = [_plan(sql, params) for sql, params in selects]
    for (sql, params), plan in zip(selects, plans, strict=True):
        assert "OFFSET" not in sql and "COUNT" not in sql
        assert "keysvc_credential_created" in plan, plan
        plan = plan.replace("SCAN found", "")
        for slow in ("Seq Scan", "SCAN", "Sort", "TEMP B-TREE", "Filter:"):
            assert slow not in plan, plan
        if len(params) > 4:
            # Not only the owner: the place is looked up in the index too.
            place = r"created_at,id\)[<>]|ROW\(created_at, id\) [<>]"
            assert re.search(place, plan), plan


def _selects(
    asked: Iterable[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, Any]]:
    """Return the statements, with parameters, by which each of *asked* reads."""
    statements: list[tuple[str, Any]] = []
    execute = database.obj.execute_sql

    def listen(sql: str, params: Any = None) -> Any:
        statements.append((sql, params))
        return execute(sql, params)

    monkeypatch.setattr(database.obj, "execute_sql", listen)
    for ask in asked:
        with reading():
            assert ask()
    monkeypatch.undo()
    return [s for s in statements if s[0].startswith("SELECT")]


def _plan(sql: str, params: Any) -> str:
    explain = "EXPLAIN" if is_postgres() else "EXPLAIN QUERY PLAN"
    with reading():
        rows = database.execute_sql(f"{explain} {sql}", params).fetchall()
    return "\n".join(str(row[-1]) for row in rows)


def test_pages_make_up_the_whole_list(many: None) -> None:
    with reading():
        whole = credentials.page(Kind.KEYPAIR, _user(3), Listing(Window()), FULL)
        parts = [
            credentials.page(Kind.KEYPAIR, _user(3), Listing(Window(7, index)), FULL)
            for index in range(-(-EACH // 7))
        ]

    names = [f"KP0003{number:04}" for number in range(EACH)]
    assert [c.public_id for c in whole.items] == names
    assert [c.public_id for part in parts for c in part.items] == names
    assert {part.total for part in (whole, *parts)} == {EACH}


@pytest.mark.parametrize("descending", [False, True])
def test_parts_make_up_the_whole_list(many: None, descending: bool) -> None:
    with reading():
        whole = credentials.page(Kind.KEYPAIR, _user(3), Listing(Window()), FULL).items
        found: list[Credential] = []
        while part := keysets.cut(
            Kind.KEYPAIR,
            _user(3),
            keysets.place(found[-1]) if found else None,
            7,
            descending=descending,
        ):
            found += part

    order = sorted(whole, key=lambda c: (c.created_at, c.id), reverse=descending)
    assert found == order


def test_beyond_the_end_nothing_comes(many: None) -> None:
    with reading():
        for window in (Window(10, 5), Window(1, 50), Window(100, 10**18)):
            page = credentials.page(Kind.KEYPAIR, _user(3), Listing(window), FULL)

            assert page.items == ()
            assert page.total == EACH


def test_every_record_once_whatever_the_batch(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_BATCH", 7)

    with reading():
        numbers = [record.seq for record in audit.every()]

    assert numbers == list(range(1, 501))


def test_a_lookup_finds_what_was_kept(many: None) -> None:
    found = lookup.find("KP00090049")

    assert found is not None
    assert (found.owner, found.kind) == (_user(9), Kind.KEYPAIR)
    assert (found.digest, found.digest_key) == ("d" * 64, KEY)
    neighbours = ("KP0009004", "KP000900490", "KP00090050", "KP", "A", "a", "z", "")
    for nobody in ("kp00090049", *neighbours):
        assert lookup.find(nobody) is None, nobody


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_a_lookup_is_planned_a_few_times_and_never_again(many: None) -> None:
    with reading():
        # More than the driver sends before it prepares, and the server before it keeps.
        for number in range(30):
            lookup._FIND.row(f"KP0009{number:04}")
        plans = "SELECT custom_plans, generic_plans FROM pg_prepared_statements"
        kept = database.execute_sql(f"{plans} WHERE statement LIKE '%%credential%%'")
        [(planned, remembered)] = kept.fetchall()

    assert planned <= 5
    assert remembered >= 15


@pytest.mark.parametrize(
    "text",
    [
        *("", 'a "quoted" \\ word', "line\nline\ttab", '["not", "a list"]', "null"),
        *("\N{SNOWMAN} \N{PARTY POPPER}", "\N{LINE SEPARATOR}", "\x7f", "</script>"),
    ],
)
def test_what_was_kept_is_read_to_the_letter(bound: str, text: str) -> None:
    kept = replace(
        _credential(0, 0),
        name=text,
        description=text,
        scopes=("*", "keypairs:read"),
        attributes={"cost_daily_limit": "50.00", text: [text, 2**53 - 1, None]},
        rate_limit=2**63 - 1,
        expires_at=BEGIN - timedelta(microseconds=1),
    )
    with writing():
        ring.remember(KEY, BEGIN)
        credentials.add(kept, Secret("d" * 64, KEY))

    with reading():
        assert credentials.get(Kind.KEYPAIR, _user(0), kept.public_id) == kept
        for view in (FULL, BRIEF):
            (told,) = credentials.page(Kind.KEYPAIR, _user(0), Listing(), view).items
            for name in Brief._fields:
                assert getattr(told, name) == getattr(kept, name)
