"""``keysvc keypairs``: the keypairs family, for people at a shell."""

import json
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import click
from marshmallow import Schema
from marshmallow import ValidationError

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.init import keypair_of
from keysvc.commands.output import print_fields
from keysvc.commands.output import print_json
from keysvc.commands.output import print_table
from keysvc.current import service
from keysvc.errors import Invalid
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Window
from keysvc.schemas.fields import Text
from keysvc.schemas.keypair_properties import CLEARED_BY_NULL
from keysvc.schemas.keypair_properties import KeypairPropertiesSchema
from keysvc.schemas.keypairs import KeypairChangeSchema
from keysvc.schemas.keypairs import KeypairDraftSchema
from keysvc.schemas.keypairs import KeypairSchema

_LISTS = {"scopes", "allowedIps"}
_TEXTS = {"description", "cost.dailyLimit", "expiresAt"}

properties_argument = click.argument("properties", nargs=-1, metavar="[NAME=VALUE]...")


@click.group(cls=Commands)
def keypairs() -> None:
    """
    Keypairs of users.

    Properties are given as NAME=VALUE, by the names of the API: `isActive=false`,
    `scopes=keypairs:read,verify`, `expiresAt=2030-01-31T12:00:00Z`,
    `allowedIps=192.0.2.0/24`, `ML.clusterSize=4`, `rateLimit=` (none).
    """


@keypairs.command()
@click.argument("user")
@properties_argument
@json_option
def create(user: str, properties: tuple[str, ...], as_json: bool) -> None:
    """Create a keypair for USER, and print its secret key this one time."""
    draft = _load(KeypairDraftSchema(), properties)
    owner = _owner(user)
    issued = service.credentials.issue(operator(), Kind.KEYPAIR, owner, draft)
    keypair = keypair_of(issued)
    print_json(keypair) if as_json else print_fields(keypair)


@keypairs.command("list")
@click.argument("user")
@json_option
def list_keypairs(user: str, as_json: bool) -> None:
    """List the keypairs of USER."""
    page = service.credentials.page(operator(), Kind.KEYPAIR, _owner(user), Window())
    rows = [KeypairSchema().dump(item) for item in page.items]
    print_json(rows) if as_json else print_table(rows)


@keypairs.command()
@click.argument("user")
@click.argument("access_key")
@json_option
def show(user: str, access_key: str, as_json: bool) -> None:
    """Show every property of a keypair but its secret key."""
    found = service.credentials.get(operator(), Kind.KEYPAIR, _owner(user), access_key)
    values = KeypairPropertiesSchema().dump(found)
    print_json(values) if as_json else print_fields(values)


@keypairs.command()
@click.argument("user")
@click.argument("access_key")
@properties_argument
def update(user: str, access_key: str, properties: tuple[str, ...]) -> None:
    """Change properties of a keypair; what is not given stays."""
    change = _load(KeypairChangeSchema(), properties)
    owner = _owner(user)
    service.credentials.change(operator(), Kind.KEYPAIR, owner, access_key, change)
    click.echo(f"Updated {access_key}.")


@keypairs.command()
@click.argument("user")
@click.argument("access_key")
@click.confirmation_option(prompt="This cannot be undone. Delete it?")
def delete(user: str, access_key: str) -> None:
    """Delete a keypair for good. `update ... isActive=false` is usually enough."""
    service.credentials.delete(operator(), Kind.KEYPAIR, _owner(user), access_key)
    click.echo(f"Deleted {access_key}.")


def _owner(user: str) -> Owner:
    if not user:
        raise Invalid(fields={"USER": ["Must not be empty."]})
    try:
        return Owner(OwnerKind.USER, Text(maximum=255).deserialize(user))
    except ValidationError as error:
        raise Invalid(fields={"USER": [str(m) for m in error.messages]}) from None


def _load(schema: Schema, properties: Iterable[str]) -> Any:
    """Read NAME=VALUE through the schema of the API, so that both take the same."""
    try:
        return schema.load({"props": _unique(_pair(text) for text in properties)})
    except ValidationError as error:
        messages: Any = error.messages
        fields = messages.get("props", messages)
        raise Invalid(fields={k: _said(v) for k, v in fields.items()}) from None


def _said(messages: Any) -> list[str]:
    """Return what is wrong with a property: of a list, with each of its items."""
    if isinstance(messages, Mapping):
        return [said for inner in messages.values() for said in _said(inner)]
    return [str(message) for message in messages]


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in given:
            raise Invalid(fields={name: ["Given twice."]})
        given[name] = value
    return given


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Invalid(fields={text: ["Must look like NAME=VALUE."]})
    if name in _LISTS:
        return name, [word for word in value.split(",") if word]
    if not value and name in CLEARED_BY_NULL:
        return name, None
    return name, value if name in _TEXTS else _plain(value)


def _plain(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
