"""Random operations: the API says what a small model in memory says."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from datetime import UTC
from typing import Any
from urllib.parse import quote
from uuid import UUID
from uuid import uuid4

from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant
from hypothesis.stateful import rule
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import run_state_machine_as_test

from tests.api.accounts import ACCOUNTS
from tests.api.accounts import bearer
from tests.api.accounts import good
from tests.api.accounts import keys_of
from tests.api.accounts import new_account
from tests.api.accounts import secret_of
from tests.api.accounts import USER
from tests.api.clocks import Clock
from tests.api.clocks import on_clock
from tests.conftest import Client

#: Few, so that they meet: cases, folds, wildcards, numbers.
NAMES = ("a", "A", "ÄÖ", "äö", "straße", "STRASSE", "50%", "5_", "12", "12.5", "é\\")
PARTS = ("", "a", "ä", "SS", "ß", "%", "_", "\\", "1", "0%", "zz")
NUMBERS = ("0", "12", "12.4", "1e2", "-3")
TEXTS = ("", *NAMES)
SORTS: tuple[str, ...] = ("id", "name", "description", "active", "created", "updated")
SORTS += ("last_login", "last_rotated")
MOMENTS = ("created", "updated", "last_login", "last_rotated")


@dataclass
class Key:
    """What the model knows of a key."""

    id: str
    name: str
    description: str
    created: datetime
    updated: datetime
    secret: str
    active: bool = True
    last_login: datetime | None = None
    last_rotated: datetime | None = None
    retained: str | None = None
    until: datetime | None = None
    lost: list[str] = field(default_factory=list)


def ordered(value: Any) -> Any:
    """Return what sorts NULL first."""
    return (value is not None, value if value is not None else 0)


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def compared(name: str) -> Callable[[Any, Any], bool]:
    return {
        "gt": lambda a, b: bool(a > b),
        "gte": lambda a, b: bool(a >= b),
        "lt": lambda a, b: bool(a < b),
        "lte": lambda a, b: bool(a <= b),
    }[name]


def text_holds(value: str, operator: str, operand: str) -> bool:
    folded, part = value.casefold(), operand.casefold()
    match operator:
        case "equals":
            return value == operand
        case "notequals":
            return value != operand
        case "contains":
            return part in folded
        case "notcontains":
            return part not in folded
        case "startswith":
            return folded.startswith(part)
        case "endswith":
            return folded.endswith(part)
        case "oneof":
            return value in json.loads(operand)
        case "notoneof":
            return value not in json.loads(operand)
        case "isnull":
            return False
        case "isnotnull":
            return True
    mine = number(value)
    return mine is not None and compared(operator)(mine, float(operand))


def moment_holds(value: datetime | None, operator: str, operand: str) -> bool:
    if operator == "isnull":
        return value is None
    if value is None:
        return False
    if operator == "isnotnull":
        return True
    if operator == "in":
        first, last = (read(text) for text in operand.split(","))
        return first <= value <= last
    if operator == "oneof":
        return value in [read(text) for text in json.loads(operand)]
    if operator in {"equals", "notequals"}:
        return (value == read(operand)) == (operator == "equals")
    return compared(operator)(value, read(operand))


def read(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def holds(key: Key, condition: tuple[str, str, str]) -> bool:
    name, operator, operand = condition
    if name in MOMENTS:
        return moment_holds(getattr(key, name), operator, operand)
    if name == "active":
        if operator in {"isnull", "isnotnull"}:
            return operator == "isnotnull"
        return (key.active == (operand == "true")) == (operator == "equals")
    if name == "id" and operator in {"equals", "notequals"}:
        return (key.id == str(UUID(operand))) == (operator == "equals")
    return text_holds(getattr(key, name), operator, operand)


def lists(values: tuple[str, ...]) -> st.SearchStrategy[str]:
    # Of an empty list there is a test of its own: it is no condition.
    chosen = st.lists(st.sampled_from(values), min_size=1, max_size=3)
    return chosen.map(lambda items: json.dumps(items, ensure_ascii=False))


def text_conditions(name: str) -> st.SearchStrategy[tuple[str, str, str]]:
    parts = ("contains", "notcontains", "startswith", "endswith")
    order = ("gt", "gte", "lt", "lte")
    field = st.just(name)
    return st.one_of(
        st.tuples(field, st.sampled_from(parts), st.sampled_from(PARTS)),
        st.tuples(
            field, st.sampled_from(("equals", "notequals")), st.sampled_from(TEXTS)
        ),
        st.tuples(field, st.sampled_from(("oneof", "notoneof")), lists(TEXTS)),
        st.tuples(field, st.sampled_from(order), st.sampled_from(NUMBERS)),
        st.tuples(field, st.sampled_from(("isnull", "isnotnull")), st.just("")),
    )


def conditions() -> st.SearchStrategy[tuple[str, str, str]]:
    """Strategies for conditions; ``#n`` stands for a moment or an id of key n."""
    pick = st.integers(0, 9).map(lambda n: f"#{n}")
    compare = ("equals", "notequals", "gt", "gte", "lt", "lte", "isnull", "isnotnull")
    return st.one_of(
        text_conditions("name"),
        text_conditions("description"),
        st.tuples(
            st.just("active"),
            st.sampled_from(("equals", "notequals", "isnull", "isnotnull")),
            st.sampled_from(("true", "false")),
        ),
        st.tuples(st.sampled_from(MOMENTS), st.sampled_from(compare), pick),
        st.tuples(
            st.sampled_from(MOMENTS),
            st.just("in"),
            st.tuples(pick, pick).map(",".join),
        ),
        st.tuples(
            st.just("id"),
            st.sampled_from(
                ("equals", "notequals", "contains", "startswith", "endswith")
            ),
            pick,
        ),
    )


class Machine(RuleBasedStateMachine):
    """Drives the API and the model side by side."""

    def __init__(self, app: Flask, admin: Client, clock: Clock) -> None:
        super().__init__()
        self.app, self.admin, self.clock = app, admin, clock
        # A database is dear: each run has an account of its own.
        self.account = new_account(admin, f"run {uuid4().hex[:12]}")
        self.path = keys_of(self.account)
        self.keys: list[Key] = []

    def find(self, name: str, but: Key | None = None) -> Key | None:
        return next((k for k in self.keys if k.name == name and k is not but), None)

    def pick(self, n: int) -> Key | None:
        return self.keys[n % len(self.keys)] if self.keys else None

    @rule(name=st.sampled_from(NAMES), description=st.sampled_from(TEXTS))
    def create(self, name: str, description: str) -> None:
        self.clock.move(microseconds=7)
        body = {"name": name, "description": description}
        answer = self.admin.post(self.path, json=body)
        if self.find(name):
            assert answer.status_code == 409
            return
        made, now = good(answer), self.clock.time
        self.keys.append(Key(made["id"], name, description, now, now, secret_of(made)))

    @rule(
        n=st.integers(0, 9),
        by_name=st.booleans(),
        change=st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from((None, *NAMES)),
                "description": st.sampled_from((None, *TEXTS)),
                "active": st.sampled_from((None, True, False)),
            },
        ),
    )
    def update(self, n: int, by_name: bool, change: dict[str, Any]) -> None:
        if not (key := self.pick(n)):
            return
        self.clock.move(seconds=1)
        answer = self.admin.put(self.one(key, by_name), json=change)
        if change.get("name") and self.find(change["name"], but=key):
            assert answer.status_code == 409
            return
        assert good(answer)["body"]["key"] is None
        given = {k: v for k, v in change.items() if v is not None}
        if any(getattr(key, name) != value for name, value in given.items()):
            key.updated = self.clock.time
        for name, value in given.items():
            setattr(key, name, value)

    @rule(n=st.integers(0, 9), minutes=st.sampled_from((0, 1, 60)))
    def rotate(self, n: int, minutes: int) -> None:
        if not (key := self.pick(n)):
            return
        self.clock.move(seconds=1)
        body = {"retain_period_minutes": minutes}
        answer = good(self.admin.put(f"{self.one(key)}/rotate", json=body))
        assert answer["metadata"] is None
        key.lost += [key.retained] if key.retained else []
        key.lost += [] if minutes else [key.secret]
        key.retained = key.secret if minutes else None
        now = key.updated = key.last_rotated = self.clock.time
        key.until = datetime.fromtimestamp(now.timestamp() + 60 * minutes, UTC)
        key.secret = secret_of(answer)

    @rule(n=st.integers(0, 9))
    def log_in(self, n: int) -> None:
        if not (key := self.pick(n)):
            return
        self.clock.move(seconds=1)
        answer = self.admin.post("/api/v1/login", data={"password": key.secret})
        assert answer.status_code == (200 if key.active else 401)
        if key.active:
            key.last_login = self.clock.time

    @rule(n=st.integers(0, 9), by_name=st.booleans())
    def delete(self, n: int, by_name: bool) -> None:
        if not (key := self.pick(n)):
            return
        assert self.admin.delete(self.one(key, by_name)).text.strip() == "null"
        self.keys.remove(key)
        assert self.admin.get(self.one(key)).status_code == 404
        assert not self.let_in(key.secret)

    @rule(seconds=st.sampled_from((1, 59, 61, 3601)))
    def wait(self, seconds: int) -> None:
        self.clock.move(seconds=seconds)

    @rule(n=st.integers(0, 9))
    def authenticate(self, n: int) -> None:
        if not (key := self.pick(n)):
            return
        assert self.let_in(key.secret) == key.active
        if key.retained and key.until:
            retained = key.active and self.clock.time < key.until
            assert self.let_in(key.retained) == retained
        for lost in key.lost[-2:]:
            assert not self.let_in(lost)

    @rule(
        wanted=st.lists(conditions(), max_size=3),
        logic=st.sampled_from(("and", "or", None)),
        by=st.sampled_from(SORTS),
        direction=st.sampled_from(("", "asc:", "desc:")),
        size=st.sampled_from((1, 2, 3, 20)),
    )
    def list_them(
        self,
        wanted: list[tuple[str, str, str]],
        logic: str | None,
        by: str,
        direction: str,
        size: int,
    ) -> None:
        asked = [c for one in wanted if (c := self.concrete(one)) is not None]
        joined = any if logic == "or" else all
        expected = [
            key
            for key in self.keys
            if not asked or joined(holds(key, one) for one in asked)
        ]
        expected.sort(
            key=lambda key: (ordered(getattr(key, by)), key.id),
            reverse=direction == "desc:",
        )
        query: dict[str, Any] = {"sort_by": direction + by, "size": size}
        if logic:
            query["logical_operator"] = logic
        for name, operator, operand in asked:
            query.setdefault(name, []).append(f"{operator}:{operand}")
        found: list[str] = []
        pages = max(-(-len(expected) // size), 1)
        for page in range(1, pages + 1):
            answer = good(
                self.admin.get(self.path, query_string={**query, "page": page})
            )
            assert answer["total"] == len(expected), query
            assert answer["total_pages"] == pages
            found += [item["id"] for item in answer["items"]]
        assert found == [key.id for key in expected], query
        past = self.admin.get(self.path, query_string={**query, "page": pages + 1})
        assert past.status_code == 400

    @invariant()
    def every_key_reads_as_the_model_has_it(self) -> None:
        answer = good(
            self.admin.get(self.path, query_string={"hydrate": 1, "size": 100})
        )
        read = {
            item["id"]: (
                item["name"],
                item["body"]["active"],
                item["metadata"]["description"],
                *(item["body"][name] for name in ("created", "updated")),
                *(item["metadata"][name] for name in ("last_login", "last_rotated")),
            )
            for item in answer["items"]
        }
        assert read == {
            key.id: (
                key.name,
                key.active,
                key.description,
                *(naive(getattr(key, name)) for name in MOMENTS),
            )
            for key in self.keys
        }

    def teardown(self) -> None:
        self.admin.delete(f"{ACCOUNTS}/{self.account['id']}")

    def one(self, key: Key, by_name: bool = False) -> str:
        return f"{self.path}/{quote(key.name) if by_name else key.id}"

    def let_in(self, secret: str) -> bool:
        return bearer(self.app, secret).get(USER).status_code == 200

    def concrete(self, wanted: tuple[str, str, str]) -> tuple[str, str, str] | None:
        """Put in what ``#n`` stands for; None if there is nothing like it."""
        name, operator, operand = wanted
        if name != "id" and name not in MOMENTS:
            return wanted
        if operator in {"isnull", "isnotnull"}:
            return name, operator, ""
        values = []
        for part in operand.split(","):
            key = self.pick(int(part[1:]))
            if key is None:
                return None
            if name == "id":
                id_ = UUID(key.id)
                whole = (id_.hex, key.id.upper(), key.id)[int(part[1:]) % 3]
                cuts = {"contains": key.id[4:14], "startswith": key.id[:10].upper()}
                cuts["endswith"] = key.id[-14:]
                values.append(cuts.get(operator, whole))
            else:
                moment = getattr(key, name) or key.created
                values.append(moment.isoformat(" ").removesuffix("+00:00"))
        return name, operator, ",".join(values)


def naive(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=None).isoformat("T", "microseconds")


BOUNDS = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_api_does_what_the_model_does(app: Flask, admin: Client) -> None:
    _, clock = on_clock(app)

    class Bound(Machine):
        def __init__(self) -> None:
            super().__init__(app, admin, clock)

    run_state_machine_as_test(Bound, settings=BOUNDS)
