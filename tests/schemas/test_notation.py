"""The two notations of properties say the same."""

from typing import Any

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from keysvc.schemas.notation import flat
from keysvc.schemas.notation import nested

NAMES = ("one", "two", "A.x", "A.y", "B.x")
ALIASES = {"oen": "one"}

#: On a busy machine a slow example is no finding.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
flat_properties = st.dictionaries(st.sampled_from(NAMES), values)


@patient
@given(flat_properties)
def test_what_is_flat_already_stays(data: dict[str, Any]) -> None:
    assert flat(data, NAMES, ALIASES) == data


@patient
@given(flat_properties)
def test_taking_apart_undoes_putting_together(data: dict[str, Any]) -> None:
    assert flat(nested(data), NAMES, ALIASES) == data


@patient
@given(flat_properties, st.sets(st.sampled_from(NAMES)))
def test_the_notations_may_be_mixed(data: dict[str, Any], dotted: set[str]) -> None:
    mixed = nested({n: v for n, v in data.items() if n not in dotted})
    mixed |= {n: v for n, v in data.items() if n in dotted}

    assert flat(mixed, NAMES, ALIASES) == data


@patient
@given(st.dictionaries(st.text(), values))
@example({"A": None})
def test_any_object_is_flattened_or_refused(data: dict[str, Any]) -> None:
    try:
        result = flat(data, NAMES, ALIASES)
    except ValidationError as error:
        assert error.messages
    else:
        assert all(v in result.values() for v in data.values() if v is not None)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, {}),
        ({"A": {}}, {}),
        ({"A": None}, {}),
        ({"A": {"x": 1}, "B": {"x": 2}}, {"A.x": 1, "B.x": 2}),
        ({"A": {"x": 1}, "A.y": 2}, {"A.x": 1, "A.y": 2}),
        ({"A": {"x": 1}, "A.x": None}, {"A.x": 1}),
        ({"A": {"x": None}, "A.x": 1}, {"A.x": 1}),
        ({"A.x": 1, "A": None}, {"A.x": 1}),
        ({"A": {"new": 1}}, {"A.new": 1}),
        ({"A": {"B.x": 1}}, {"A.B.x": 1}),
        ({"oen": 1}, {"one": 1}),
        ({"oen": 1, "one": None}, {"one": 1}),
        ({"oen": None, "one": 1}, {"one": 1}),
        ({"oen": None}, {"one": None}),
        ({"C": {"x": 1}}, {"C": {"x": 1}}),
    ],
)
def test_groups_are_taken_apart(data: Any, expected: dict[str, Any]) -> None:
    assert flat(data, NAMES, ALIASES) == expected


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"A": {"x": 1}, "A.x": 1}, "A.x"),
        ({"A.x": 1, "A": {"x": 2}}, "A.x"),
        ({"A": {"x": False}, "A.x": False}, "A.x"),
        ({"one": 1, "oen": 2}, "one"),
        ({"oen": 1, "one": 1}, "one"),
        ({"A": 1}, "A"),
        ({"A": [{"x": 1}]}, "A"),
        ({"B": "x"}, "B"),
        ({"A": False}, "A"),
    ],
)
def test_two_values_or_no_object_are_refused_by_name(data: Any, name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        flat(data, NAMES, ALIASES)

    assert refused.value.messages_dict.keys() == {name}
