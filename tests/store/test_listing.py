"""Lists mean the same on both engines, and filters never scan the whole table."""

from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any
from uuid import UUID

import pytest

from keysvc.errors import Malformed
from keysvc.model import Actor
from keysvc.model import Condition
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Listing
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Secret
from keysvc.model import ServiceAccount
from keysvc.model import Sort
from keysvc.model import Window
from keysvc.store import accounts
from keysvc.store import credentials
from keysvc.store import ring
from keysvc.store import rows
from keysvc.store.connection import is_postgres
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.rows import FULL
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import database
from keysvc.store.tables import ServiceAccountRow

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
KEY = "0123456789abcdef"
CLI = Actor("cli", "root")
NAMES: tuple[str, ...] = (
    "ÄÖ",
    "äö",
    "Straße",
    "STRASSE",
    "50%",
    "50x",
    "5_",
    "5a",
    "a\\b",
    "a'\"b",
)
NAMES += ("ΣΊΣΥΦΟΣ", "σίσυφος", "İstanbul", "😀", "Zz", "aa", "10", "9.5")
MINE = Owner(OwnerKind.SERVICE_ACCOUNT, str(UUID(int=1)))
OTHERS = 20
EACH = 50


def account(number: int, name: str) -> ServiceAccount:
    return ServiceAccount(
        id=UUID(int=number),
        name=name,
        description=name,
        created_at=BEGIN + timedelta(seconds=number),
        updated_at=BEGIN,
        created_by=CLI,
    )


def key(number: int, owner: Owner, name: str) -> Credential:
    return Credential(
        id=UUID(int=1000 + number),
        kind=Kind.API_KEY,
        owner=owner,
        public_id=f"{number:016}",
        name=name,
        description=name * 2,
        created_at=BEGIN + timedelta(seconds=number // 2),
        updated_at=BEGIN,
        last_login_at=BEGIN + timedelta(days=number) if number % 3 == 0 else None,
        created_by=CLI,
    )


@pytest.fixture
def few(bound: str) -> None:
    """Keep an account with a key of each name."""
    with writing():
        ring.remember(KEY, BEGIN)
        for number, name in enumerate(NAMES, 1):
            accounts.add(account(number, name))
            credentials.add(key(number, MINE, name), Secret("d" * 64, KEY))


@pytest.fixture
def many(bound: str) -> None:
    """Keep 20 accounts with 50 keys each, and 1,000 without any."""
    with writing():
        ring.remember(KEY, BEGIN)
        for number in range(1, OTHERS + 1):
            accounts.add(account(number, f"account {number}"))
            owner = Owner(OwnerKind.SERVICE_ACCOUNT, str(UUID(int=number)))
            # PostgreSQL takes 65,535 parameters at most.
            CredentialRow.insert_many(
                {
                    **rows.columns(key(n, owner, f"key {n}")),
                    **Secret("d" * 64, KEY)._asdict(),
                }
                for n in range(number * EACH, (number + 1) * EACH)
            ).execute()
        # So many accounts that an index is worth its while.
        ServiceAccountRow.insert_many(
            accounts._columns(account(n, f"more {n}")) for n in range(1000, 2000)
        ).execute()
        database.execute_sql("ANALYZE")


def listing(*conditions: tuple[Any, ...], **more: Any) -> Listing:
    window = more.pop("window", Window(100))
    sort = Sort(more.pop("by", "created"), "id", more.pop("descending", False))
    found = tuple(Condition(*c) for c in conditions)
    return Listing(window=window, sort=sort, conditions=found, strict=True, **more)


def both(*conditions: tuple[Any, ...], **more: Any) -> list[str]:
    """Return the names that both lists find: they must agree."""
    wanted = listing(*conditions, **more)
    with reading():
        keys = credentials.page(Kind.API_KEY, MINE, wanted, FULL).items
        owners = accounts.page(wanted).items
    assert [k.name for k in keys] == [o.name for o in owners]
    return [k.name for k in keys]


def keys(*conditions: tuple[Any, ...], **more: Any) -> list[str]:
    wanted = listing(*conditions, **more)
    with reading():
        return [
            c.name for c in credentials.page(Kind.API_KEY, MINE, wanted, FULL).items
        ]


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("contains", "äÖ", {"ÄÖ", "äö"}),
        ("contains", "ß", {"Straße", "STRASSE"}),
        ("startswith", "strass", {"Straße", "STRASSE"}),
        ("endswith", "ΦΟς", {"ΣΊΣΥΦΟΣ", "σίσυφος"}),
        ("contains", "İ", {"İstanbul"}),
        ("contains", "ı", set()),
        ("contains", "%", {"50%"}),
        ("startswith", "50%", {"50%"}),
        ("contains", "_", {"5_"}),
        ("contains", "\\", {"a\\b"}),
        ("contains", "\\b", {"a\\b"}),
        ("contains", "'\"", {"a'\"b"}),
        ("endswith", "😀", {"😀"}),
        ("contains", "", set(NAMES)),
        ("notcontains", "a", {"ÄÖ", "äö", "50%", "50x", "5_", "10", "9.5", "Zz", "😀"}),
        ("equals", "ÄÖ", {"ÄÖ"}),
        ("equals", "STRASSE", {"STRASSE"}),
        ("oneof", ["aa", "ÄÖ", "zz"], {"aa", "ÄÖ"}),
        ("gt", 9.5, {"10"}),
        ("lte", 10.0, {"10", "9.5"}),
    ],
)
def test_text_is_found_alike(
    few: None, operator: str, value: Any, expected: set[str]
) -> None:
    found = both(("name", operator, value))
    if operator == "notcontains":
        expected = {n for n in NAMES if value not in n.casefold()}
    assert set(found) == expected and len(found) == len(expected)


@pytest.mark.parametrize("by", ["name", "description"])
def test_text_is_in_the_order_of_code_points(few: None, by: str) -> None:
    expected = sorted(NAMES)
    assert both(by="name") == expected
    assert both(by="name", descending=True) == expected[::-1]
    doubled = sorted(NAMES, key=lambda n: n * 2)
    assert keys(by="description") == doubled


def test_nulls_come_first_when_ascending_and_last_when_descending(few: None) -> None:
    logged = [n for i, n in enumerate(NAMES, 1) if i % 3 == 0]
    never = [n for i, n in enumerate(NAMES, 1) if i % 3]
    assert keys(by="last_login") == never + logged
    assert keys(by="last_login", descending=True) == logged[::-1] + never[::-1]
    assert keys(("last_login", "isnull")) == never
    assert keys(("last_login", "notequals", BEGIN)) == logged


def test_conditions_are_joined_by_and_or_or(few: None) -> None:
    conditions = (("name", "contains", "5"), ("name", "endswith", "A"))
    assert both(*conditions) == ["5a"]
    assert set(both(*conditions, any_of=True)) == {"50%", "50x", "5_", "5a", "aa"} | {
        "9.5"
    }


def test_or_never_reaches_beyond_the_account(few: None) -> None:
    other = Owner(OwnerKind.SERVICE_ACCOUNT, str(UUID(int=2)))
    wanted = listing(("name", "isnotnull"), ("name", "equals", "x"), any_of=True)
    with reading():
        assert credentials.page(Kind.API_KEY, other, wanted, FULL).total == 0
        assert accounts.page(wanted, only=UUID(int=2)).total == 1


def test_pages_never_overlap_and_end(few: None) -> None:
    found = []
    for index in range(-(-len(NAMES) // 4)):
        found += both(by="active", window=Window(4, index))
    assert found == list(NAMES)
    for index in (5, 10**6, 10**14):
        with pytest.raises(Malformed), reading():
            accounts.page(listing(window=Window(4, index)))


def mine(*conditions: tuple[Any, ...], **more: Any) -> Callable[[], object]:
    wanted = listing(*conditions, window=Window(20), **more)
    return lambda: credentials.page(Kind.API_KEY, MINE, wanted, FULL)


def every(*conditions: tuple[Any, ...], **more: Any) -> Callable[[], object]:
    wanted = listing(*conditions, window=Window(20), **more)
    return lambda: accounts.page(wanted)


OF_KEYS = [
    mine(),
    mine(descending=True),
    mine(by="name"),
    mine(by="last_login"),
    mine(("name", "equals", "key 57")),
    mine(("name", "contains", "7")),
    mine(("created", "gt", BEGIN)),
    mine(("created", "in", (BEGIN, BEGIN + timedelta(days=1))), by="name"),
    mine(("id", "equals", str(UUID(int=1060)))),
    mine(("name", "equals", "x"), ("active", "equals", True), any_of=True),
]


@pytest.mark.parametrize("ask", OF_KEYS)
def test_keys_are_searched_within_their_account(
    many: None, ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for plan in plans(ask, monkeypatch):
        assert "index" in plan.lower(), plan
        assert "Seq Scan" not in plan and "SCAN keysvc" not in plan, plan
        assert 'SCAN "' not in plan, plan


@pytest.mark.parametrize(
    "ask",
    [
        every(("name", "equals", "account 7")),
        every(("id", "equals", str(UUID(int=7)))),
        every(("created", "equals", BEGIN + timedelta(seconds=7))),
    ],
)
def test_an_account_is_found_through_an_index(
    many: None, ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for plan in plans(ask, monkeypatch):
        assert "index" in plan.lower() or "PRIMARY KEY" in plan, plan
        assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize(
    "ask", [every(), every(descending=True), every(by="id"), every(by="name")]
)
def test_accounts_are_read_in_the_order_of_an_index(
    many: None, ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The count reads all there is; the page does not.
    *_, plan = plans(ask, monkeypatch)
    assert "index" in plan.lower() and "Seq Scan" not in plan, plan
    # Among equals, PostgreSQL may still sort by id: incrementally.
    assert "->  Sort" not in plan and "TEMP B-TREE" not in plan, plan


def plans(ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return how the engine answers each statement of *ask*."""
    statements: list[tuple[str, Any]] = []
    execute = database.obj.execute_sql

    def listen(sql: str, params: Any = None) -> Any:
        statements.append((sql, params))
        return execute(sql, params)

    with monkeypatch.context() as patch, reading():
        patch.setattr(database.obj, "execute_sql", listen)
        ask()
    explain = "EXPLAIN" if is_postgres() else "EXPLAIN QUERY PLAN"
    found = []
    with reading():
        for sql, params in statements:
            if sql.startswith("SELECT"):
                lines = execute(f"{explain} {sql}", params).fetchall()
                found.append("\n".join(str(line[-1]) for line in lines))
    assert found
    return found
