"""The wire of keypairs: defaults, types, limits; and the arithmetic of its pages."""

from datetime import datetime
from datetime import UTC
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from keysvc.model import Draft
from keysvc.model import Page
from keysvc.model import Window
from keysvc.schemas.keypair_properties import FIELDS
from keysvc.schemas.keypair_properties import PROPERTIES
from keysvc.schemas.keypair_properties import READ_ONLY
from keysvc.schemas.keypairs import KeypairChangeSchema
from keysvc.schemas.keypairs import KeypairDraftSchema
from keysvc.schemas.keypairs import KeypairKeysSchema
from keysvc.schemas.keypairs import KeypairQuerySchema

BIGGEST = 2**53 - 1

#: On a busy machine a slow example is no finding.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

sizes = st.integers(0, 50) | st.integers(0, BIGGEST)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def change(**props: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = KeypairChangeSchema().load({"props": props})
    return loaded


def change_of(name: str, value: Any) -> dict[str, Any]:
    return change(**{name: value})


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@patient
@given(st.integers(0, 200), sizes, sizes)
def test_a_window_cuts_like_a_slice(total: int, size: int, index: int) -> None:
    window = Window(size, index)
    everything = list(range(total))

    cut = everything[window.offset :][: size or None]

    assert cut == [n for n in everything if not size or n // size == index]


@patient
@given(st.integers(0, BIGGEST), st.integers(1, BIGGEST), sizes)
def test_pages_are_the_count_by_the_size_rounded_up(
    total: int, size: int, index: int
) -> None:
    pages = Page((), total, Window(size, index)).pages

    assert (pages - 1) * size < total <= pages * size or (pages, total) == (0, 0)


@patient
@given(st.integers(0, 2**20), st.integers(1, 2**20))
def test_pages_agree_with_the_contract(total: int, size: int) -> None:
    assert Page((), total, Window(size, 0)).pages == ceil(total / size)


@patient
@given(st.integers(1, BIGGEST), sizes)
def test_size_0_is_one_page_of_all(total: int, index: int) -> None:
    assert Page((), total, Window(0, index)).pages == 1
    assert Window(0, index).offset == 0


def test_of_nothing_there_are_0_pages() -> None:
    assert [Page((), 0, Window(size, 0)).pages for size in (0, 1, 7)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("body", "window"),
    [
        ({}, Window(0, 0)),
        ({"paging": None}, Window(0, 0)),
        ({"paging": {}}, Window(0, 0)),
        ({"paging": {"size": None, "index": None}}, Window(0, 0)),
        ({"paging": {"size": 7}}, Window(7, 0)),
        ({"paging": {"index": 7}}, Window(0, 7)),
        ({"paging": {"size": 7.0, "index": 2}}, Window(7, 2)),
        ({"paging": {"size": BIGGEST, "index": BIGGEST}}, Window(BIGGEST, BIGGEST)),
    ],
)
def test_paging_is_optional_in_all_its_parts(body: Any, window: Window) -> None:
    assert KeypairQuerySchema().load(body).window == window


@pytest.mark.parametrize(
    "paging",
    [
        {"size": -1},
        {"index": -1},
        {"size": 1.5},
        {"size": "1"},
        {"size": True},
        {"size": [1]},
        {"size": BIGGEST + 1},
        {"index": 1e300},
        {"limit": 1},
        {"limit": None},
        {"offset": 0},
        [],
        "all",
        0,
        False,
    ],
)
def test_paging_is_two_whole_numbers_and_no_more(paging: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        KeypairQuerySchema().load({"paging": paging})

    assert refused.value.messages_dict.keys() == {"paging"}


GOOD = [
    ("isActive", False, {"is_active": False}),
    ("concurrency", 0, {"attributes": {"concurrency": 0}}),
    ("concurrency", 76.0, {"attributes": {"concurrency": 76}}),
    ("concurrency", BIGGEST, {"attributes": {"concurrency": BIGGEST}}),
    ("concurrecy", 7, {"attributes": {"concurrency": 7}}),
    ("ML.clusterSize", 1, {"attributes": {"cluster_size": 1}}),
    ("ML", {"clusterSize": 2}, {"attributes": {"cluster_size": 2}}),
    ("ML.instanceMemory", 1, {"attributes": {"instance_memory": 1}}),
    ("ML", {"instanceMemory": 2}, {"attributes": {"instance_memory": 2}}),
    ("cost.automatic", True, {"attributes": {"cost_automatic": True}}),
    ("cost", {"automatic": True}, {"attributes": {"cost_automatic": True}}),
    ("cost.dailyLimit", "0", {"attributes": {"cost_daily_limit": "0"}}),
    ("cost.dailyLimit", "12.50", {"attributes": {"cost_daily_limit": "12.50"}}),
    ("cost", {"dailyLimit": "9" * 15}, {"attributes": {"cost_daily_limit": "9" * 15}}),
    ("cost.dailyLimit", "0.000001", {"attributes": {"cost_daily_limit": "0.000001"}}),
    ("rateLimit", 0, {"rate_limit": 0}),
    ("rateLimit", BIGGEST, {"rate_limit": BIGGEST}),
    ("rateLimit", None, {"rate_limit": None}),
    ("remaining", 0, {"remaining": 0}),
    ("remaining", None, {"remaining": None}),
    ("expiresAt", None, {"expires_at": None}),
    ("expiresAt", "2030-01-31T12:00:00Z", {"expires_at": moment(2030, 1, 31, 12)}),
    ("expiresAt", "20300131T120000Z", {"expires_at": moment(2030, 1, 31, 12)}),
    ("expiresAt", "2030-01-31T12:00:00+05:00", {"expires_at": moment(2030, 1, 31, 7)}),
    ("expiresAt", "2000-01-01T00:00:00Z", {"expires_at": moment(2000, 1, 1)}),
    (
        "expiresAt",
        "2030-01-31T12:00:00.123456Z",
        {"expires_at": moment(2030, 1, 31, 12, 0, 0, 123456)},
    ),
    ("scopes", [], {"scopes": ()}),
    ("scopes", ["b:x", "*", "b:x", "a"], {"scopes": ("b:x", "*", "a")}),
    ("scopes", ["a" * 100], {"scopes": ("a" * 100,)}),
    ("description", "", {"description": ""}),
    ("description", "é" * 1024, {"description": "é" * 1024}),
    ("description", "two\nlines\tand 😀", {"description": "two\nlines\tand 😀"}),
    ("allowedIps", [], {"allowed_ips": ()}),
    ("allowedIps", ["192.0.2.7/24"], {"allowed_ips": ("192.0.2.0/24",)}),
    ("allowedIps", ["192.0.2.7"], {"allowed_ips": ("192.0.2.7/32",)}),
    (
        "allowedIps",
        ["2001:DB8::/32", "::1"],
        {"allowed_ips": ("2001:db8::/32", "::1/128")},
    ),
]


@pytest.mark.parametrize(("name", "value", "expected"), GOOD)
def test_a_property_takes(name: str, value: Any, expected: dict[str, Any]) -> None:
    assert change_of(name, value) == expected
    assert KeypairDraftSchema().load({"props": {name: value}}) == Draft(**expected)


def test_every_property_that_can_be_set_is_in_the_table_above() -> None:
    named = {name for name, _, _ in GOOD} - {"concurrecy", "ML", "cost"}
    assert named == PROPERTIES - READ_ONLY


WHOLE: tuple[Any, ...] = (
    "x",
    "1",
    "",
    True,
    False,
    -1,
    1.5,
    [],
    {},
    [1],
    BIGGEST + 1,
    1e308,
)
BAD: dict[str, tuple[Any, ...]] = {
    "isActive": ("true", "", 0, 1, 1.0, [], {}),
    "concurrency": WHOLE,
    "concurrecy": WHOLE,
    "ML.clusterSize": (0, *WHOLE),
    "ML.instanceMemory": (0, 0.0, *WHOLE),
    "cost.automatic": ("yes", 0, 1, []),
    "cost.dailyLimit": (
        *(50, 50.0, True, [], {}, ""),
        *("-1", "+1", " 1", "1 ", "1\n", "1.", ".5", "1e3", "1_0", "1,0", "NaN", "x"),
        *("٣", "9" * 16, "0.1234567", "Infinity", "$5", " " * 256 + "1"),
    ),
    "rateLimit": WHOLE,
    "remaining": WHOLE,
    "expiresAt": (
        *("", "never", 0, 1893456000, True, [], {}),
        *("2030-01-31", "2030-01-31T12:00:00", "12:00:00Z", "2030-13-01T00:00:00Z"),
        *(
            "2030-01-31T24:00:01Z",
            "2030-02-30T00:00:00Z",
            "2030-01-31T12:00:00.1234567Z",
        ),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
        *("10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "-2030-01-31T00:00:00Z"),
        *(
            "2030-01-31T12:00:00+99:00",
            "2030-01-31T12:00:00 Europe/Berlin",
            "Z" * 60000,
        ),
    ),
    "scopes": (
        *("a", {}, 1, [1], [None], ["a", []], [""], ["A"], ["a b"], ["é"], ["a\n"]),
        *(["a" * 101], ["a\x00"], [f"s{n}" for n in range(101)], ["\ud800"]),
        ["a"] * 101,
    ),
    "description": (
        *(1, True, [], {}, "x" * 1025, "\x00", "a\x07b", "\x7f", "\x85", "\ud800"),
        *("\u202e", "\u200f", "\u2066", "\u061c"),
    ),
    "allowedIps": (
        *("192.0.2.0/24", {}, 1, [1], [None], [""], ["x"], ["192.0.2.0/33"]),
        *(["192.0.2"], ["192.0.2.0/24/1"], ["2001:db8::/129"], ["fe80::1%eth0"]),
        *(["192.0.2.0/-1"], ["١.0.0.0"], [" 192.0.2.1"], ["\ud800"], ["1" * 60000]),
        *([f"192.0.2.{n}" for n in range(101)], ["192.0.2.1"] * 101),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_property_refuses_by_its_name(name: str) -> None:
    told = {}
    for value in BAD[name]:
        try:
            told[repr(value)[:50]] = repr(change_of(name, value))
        except ValidationError as error:
            if set(error.messages_dict["props"]) != {
                {"concurrecy": "concurrency"}.get(name, name)
            }:
                told[repr(value)[:50]] = repr(error.messages)
    assert told == {}


def test_every_property_that_can_be_set_refuses_something() -> None:
    assert BAD.keys() - {"concurrecy"} == PROPERTIES - READ_ONLY


@patient
@given(st.sampled_from(sorted(PROPERTIES - READ_ONLY)), anything)
def test_no_value_of_a_property_breaks_its_reader(name: str, value: Any) -> None:
    try:
        loaded = change_of(name, value)
    except ValidationError as error:
        assert error.messages
    else:
        assert len(loaded) == (value is not None or FIELDS[name].allow_none)


@pytest.mark.parametrize("schema", [KeypairChangeSchema(), KeypairDraftSchema()])
@pytest.mark.parametrize("name", ["accessKey", "created", "lastUsedAt", "totalQueries"])
def test_what_is_read_only_is_refused(name: str, schema: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        schema.load({"props": {name: "x"}})

    assert refused.value.messages == {"props": {name: ["Read-only."]}}


@pytest.mark.parametrize("schema", [KeypairChangeSchema(), KeypairDraftSchema()])
@pytest.mark.parametrize("value", [1, None, {}])
@pytest.mark.parametrize(
    "name",
    [
        "x",
        "is_active",
        "expires_at",
        "name",
        "attributes",
        "ML.x",
        "cost.x",
        "isactive",
    ],
)
def test_what_is_unknown_is_refused_even_if_null(
    name: str, value: Any, schema: Any
) -> None:
    with pytest.raises(ValidationError) as refused:
        schema.load({"props": {name: value}})

    assert refused.value.messages_dict["props"].keys() == {name}


@pytest.mark.parametrize("value", [1, None])
@pytest.mark.parametrize(
    "schema", [KeypairChangeSchema(), KeypairDraftSchema(), KeypairQuerySchema()]
)
def test_unknown_members_of_a_body_are_refused(schema: Any, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        schema.load({"props": {}, "new": value})

    assert "new" in refused.value.messages_dict


def test_exactly_three_properties_are_cleared_by_null() -> None:
    nulls = dict.fromkeys(sorted(PROPERTIES - READ_ONLY))
    nulls |= {"ML": None, "cost": {"automatic": None}, "concurrecy": None}

    cleared = {"expires_at": None, "rate_limit": None, "remaining": None}
    assert change(**nulls) == cleared
    assert KeypairDraftSchema().load({"props": nulls}) == Draft()


def test_a_change_of_nothing_is_none() -> None:
    assert change() == {}


@pytest.mark.parametrize("body", [{}, {"props": None}, {"props": []}, {"props": 1}, []])
def test_a_change_needs_its_object(body: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        KeypairChangeSchema().load(body)

    assert refused.value.messages


@pytest.mark.parametrize(
    ("body", "draft"),
    [
        ({}, Draft()),
        ({"isActive": None, "props": None}, Draft()),
        ({"isActive": True}, Draft()),
        ({"isActive": False}, Draft(is_active=False)),
        ({"isActive": False, "props": {}}, Draft(is_active=False)),
        ({"props": {"isActive": False}}, Draft(is_active=False)),
        ({"isActive": None, "props": {"isActive": False}}, Draft(is_active=False)),
        ({"isActive": False, "props": {"isActive": None}}, Draft(is_active=False)),
        (
            {"props": {"ML": {"clusterSize": 2}, "ML.instanceMemory": 3}},
            Draft(attributes={"cluster_size": 2, "instance_memory": 3}),
        ),
    ],
)
def test_a_draft_is_optional_in_all_its_parts(body: Any, draft: Draft) -> None:
    assert KeypairDraftSchema().load(body) == draft


@pytest.mark.parametrize(
    "body",
    [
        {"isActive": True, "props": {"isActive": True}},
        {"isActive": 1},
        {"isActive": "false"},
        {"props": []},
        {"concurrency": 5},
        [],
        None,
        "x",
    ],
)
def test_a_draft_is_refused(body: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        KeypairDraftSchema().load(body)

    assert refused.value.messages


@pytest.mark.parametrize(
    "names",
    [
        ["isActive"],
        ["created", "isActive", "created"],
        ["concurrecy", "concurrency"],
        sorted(PROPERTIES),
    ],
)
def test_names_are_kept_in_their_order(names: list[str]) -> None:
    assert KeypairKeysSchema().load({"keys": names}) == names


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"keys": None},
        {"keys": []},
        {"keys": "isActive"},
        {"keys": {"isActive": True}},
        {"keys": [1]},
        {"keys": [None]},
        {"keys": [["isActive"]]},
        {"keys": [""]},
        {"keys": ["isActive", "ML"]},
        {"keys": ["secretKey"]},
        {"keys": ["digest"]},
        {"keys": ["is_active"]},
        {"keys": ["isActive"], "more": 1},
    ],
)
def test_names_that_nobody_has_are_refused(body: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        KeypairKeysSchema().load(body)

    assert refused.value.messages


def test_unknown_names_are_named() -> None:
    with pytest.raises(ValidationError) as refused:
        KeypairKeysSchema().load({"keys": ["nix", "isActive", "nada"]})

    assert refused.value.messages_dict.keys() == {"keys"}
    messages = refused.value.messages_dict["keys"]
    assert messages[0][0].startswith("nix is no property.")
    assert messages[2][0].startswith("nada is no property.")
