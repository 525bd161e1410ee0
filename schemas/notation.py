"""Dotted names: ``{"ML": {"size": 1}}`` and ``{"ML.size": 1}`` say the same."""

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError


def flat(
    data: Mapping[str, Any], names: Collection[str], aliases: Mapping[str, str]
) -> dict[str, Any]:
    """
    Return *data* with every group of the dotted *names* taken apart.

    A group is what stands before a dot in *names*. Null is never in the way of a
    value given in another notation, or by an alias.

    Raises:
        ValidationError: If a name has two values, or a group is no object.
    """
    result: dict[str, Any] = {}
    for spelling, value in _pairs(data, {n.split(".")[0] for n in names if "." in n}):
        name = aliases.get(spelling, spelling)
        if value is not None and result.get(name) is not None:
            raise ValidationError({name: ["Given twice."]})
        if value is not None or name not in result:
            result[name] = value
    return result


def nested(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return *data* with dotted names put together again."""
    result: dict[str, Any] = {}
    for name, value in data.items():
        group, dot, member = name.partition(".")
        if dot:
            result.setdefault(group, {})[member] = value
        else:
            result[name] = value
    return result


def _pairs(data: Mapping[str, Any], groups: set[str]) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if name in groups and isinstance(value, Mapping):
            for member, inner in value.items():
                yield f"{name}.{member}", inner
        elif name in groups and value is not None:
            raise ValidationError({name: ["Must be an object."]})
        elif name not in groups:
            yield name, value
