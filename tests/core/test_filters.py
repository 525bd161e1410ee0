"""What query strings say of lists: read in one way, or refused."""

import json
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from datetime import UTC
from typing import Any
from unicodedata import normalize
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from keysvc.errors import Malformed
from keysvc.model import Condition
from keysvc.model import Sort
from keysvc.model import Window
from keysvc.schemas.api_keys import ApiKeyQuerySchema
from keysvc.schemas.listings import Query
from keysvc.schemas.service_accounts import ServiceAccountQuerySchema

ID = "5f0c35b1-8c6b-4a3e-9d7f-0a1b2c3d4e5f"
NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
OPERATORS: tuple[str, ...] = (
    "equals",
    "notequals",
    "contains",
    "notcontains",
    "startswith",
)
OPERATORS += ("endswith", "oneof", "notoneof", "gt", "gte", "lt", "lte", "in")
OPERATORS += ("isnull", "isnotnull")


def read(**query: Any) -> Query:
    loaded: Query = ApiKeyQuerySchema().load(
        {
            k: v if k not in FILTERS or isinstance(v, list) else [v]
            for k, v in query.items()
        }
    )
    return loaded


FILTERS: tuple[str, ...] = ("id", "name", "description", "active", "created", "updated")
FILTERS += ("last_login", "last_rotated")


@pytest.mark.parametrize(
    ("name", "text", "operator", "value"),
    [
        ("name", "x", "equals", "x"),
        ("name", "", "equals", ""),
        ("name", "equals:x", "equals", "x"),
        ("name", "equals:", "equals", ""),
        ("name", "equals:a:b", "equals", "a:b"),
        ("name", "x:y", "equals", "x:y"),
        ("name", "in:a,b", "equals", "in:a,b"),
        ("name", "EQUALS:x", "equals", "EQUALS:x"),
        ("name", ":x", "equals", ":x"),
        ("name", "notequals:x", "notequals", "x"),
        ("name", "contains: x ", "contains", " x "),
        ("description", "notcontains:x", "notcontains", "x"),
        ("description", "startswith:", "startswith", ""),
        ("description", "endswith:%", "endswith", "%"),
        ("name", 'oneof:["a", 1]', "oneof", ["a", "1"]),
        ("name", 'notoneof:["a"]', "notoneof", ["a"]),
        ("name", "gt:1", "gt", 1.0),
        ("name", "lte:-1e3", "lte", -1000.0),
        ("name", "isnull:", "isnull", None),
        ("name", "isnull:x", "isnull", None),
        ("name", "isnull", "equals", "isnull"),
        ("name", "isnotnull:", "isnotnull", None),
        ("id", ID, "equals", ID),
        ("id", UUID(ID).hex.upper(), "equals", ID),
        ("id", "no id", "equals", "no id"),
        ("id", f"notequals:{ID.upper()}", "notequals", ID),
        ("id", f'oneof:["{UUID(ID).hex}", "x"]', "oneof", [ID, "x"]),
        ("id", "gt:1", "equals", "gt:1"),
        ("id", "contains:5f0c", "contains", "5f0c"),
        ("active", "TRUE", "equals", True),
        ("active", "equals:off", "equals", False),
        ("active", "notequals:1", "notequals", True),
        ("active", "isnotnull:", "isnotnull", None),
        ("created", "2030-01-31 12:00:00", "equals", NOON),
        ("created", "2030-01-31T12:00:00.000000", "equals", NOON),
        ("created", "2030-01-31T13:00:00+01:00", "equals", NOON),
        ("created", "2030-01-31T12:00:00Z", "equals", NOON),
        ("updated", "gte:2030-01-31 12:00:00", "gte", NOON),
        ("last_login", "isnull:", "isnull", None),
        ("last_rotated", 'oneof:["2030-01-31 12:00:00"]', "oneof", [NOON]),
        (
            "created",
            "in:2030-01-31 12:00:00,2030-01-31T12:00:00Z",
            "in",
            (NOON, NOON),
        ),
    ],
)
def test_a_filter_is_read(name: str, text: str, operator: str, value: Any) -> None:
    assert read(**{name: text}).listing.conditions == (
        Condition(name, operator, value),
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("name", "oneof:"),
        ("name", "oneof:{}"),
        ("name", 'oneof:"a"'),
        ("name", "notoneof:[" + "[" * 5000),
        ("id", "oneof:x"),
        ("active", ""),
        ("active", "2"),
        ("active", "contains:t"),
        ("active", "oneof:[true]"),
        ("created", ""),
        ("created", "now"),
        ("created", "gt:"),
        ("created", "contains:2030"),
        ("created", "notoneof:[]"),
        ("created", "oneof:[1]"),
        ("created", "in:2030-01-31 12:00:00"),
        ("created", "in:,"),
        ("created", "0001-01-01T00:00:00+14:00"),
        ("created", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(**{name: text})
    assert set(refused.value.messages) == {name}


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "-Infinity", "1e999", "0x1"])
@pytest.mark.parametrize("operator", ["gt", "gte", "lt", "lte"])
def test_comparing_text_with_no_number_is_malformed(operator: str, value: str) -> None:
    with pytest.raises(Malformed):
        read(name=f"{operator}:{value}")


def test_an_empty_list_is_no_condition() -> None:
    query = read(name=["oneof:[]", "x"], id="notoneof:[]", created="oneof:[]")
    assert query.listing.conditions == (Condition("name", "equals", "x"),)


def test_a_repeated_filter_is_a_further_condition() -> None:
    query = read(name=["a", "contains:b"], active=["1"], logical_operator="or")
    assert len(query.listing.conditions) == 3 and query.listing.any_of


def test_nothing_said_is_the_first_twenty_in_the_order_of_creation() -> None:
    for schema in (ApiKeyQuerySchema(), ServiceAccountQuerySchema()):
        query: Query = schema.load({})
        assert query.listing.window == Window(20, 0)
        assert query.listing.sort == Sort("created", "id", False)
        assert not query.listing.conditions and not query.listing.any_of
        assert query.listing.strict and not query.hydrate


@pytest.mark.parametrize(
    ("text", "name", "descending"),
    [
        ("name", "name", False),
        ("asc:name", "name", False),
        ("desc:last_login", "last_login", True),
        ("id", "id", False),
    ],
)
def test_an_order_is_read(text: str, name: str, descending: bool) -> None:
    assert read(sort_by=text).listing.sort == Sort(name, "id", descending)


@pytest.mark.parametrize(
    "query",
    [{"sort_by": text} for text in ("", "x", "asc:", "DESC:name", "up:name", "asc:x")]
    + [{"page": "0"}, {"page": "1.0"}, {"page": "-1"}, {"page": "٣"}]
    + [{"size": "0"}, {"size": "10001"}, {"size": "1" * 16}]
    + [{"logical_operator": "AND"}, {"hydrate": ""}, {"colour": "x"}]
    + [{"service_account": "x"}],
)
def test_what_is_unknown_or_out_of_range_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        read(**query)


# NUL can stand in no text of PostgreSQL's, and is refused.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(TEXT)
def test_any_text_after_an_operator_is_its_value(text: str) -> None:
    for operator in ("equals", "notequals", "contains", "startswith", "endswith"):
        (condition,) = read(name=f"{operator}:{text}").listing.conditions
        assert condition == Condition("name", operator, normalize("NFC", text))


@given(TEXT)
def test_a_bare_value_is_itself_unless_it_begins_like_an_operator(text: str) -> None:
    if text.partition(":")[0] not in OPERATORS:
        (condition,) = read(name=text).listing.conditions
        assert condition == Condition("name", "equals", normalize("NFC", text))


@given(st.lists(TEXT, min_size=1))
def test_a_list_keeps_its_items(items: list[str]) -> None:
    (condition,) = read(description=f"oneof:{json.dumps(items)}").listing.conditions
    assert condition == Condition("description", "oneof", items)
    # Names are kept in NFC, and looked for so.
    (condition,) = read(name=f"oneof:{json.dumps(items)}").listing.conditions
    assert condition == Condition("name", "oneof", [normalize("NFC", i) for i in items])


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_a_moment_is_read_in_any_zone(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    (condition,) = read(created=f"lt:{moment.isoformat()}").listing.conditions
    assert condition.value == moment and condition.value.tzinfo is UTC
    (condition,) = read(created=naive.isoformat(" ")).listing.conditions
    assert condition.value == naive.replace(tzinfo=UTC)
