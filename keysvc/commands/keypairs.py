"""``keysvc keypairs``: the keypairs family, for people at a shell."""

from collections.abc import Iterable
from typing import Any

import click
from marshmallow import Schema

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.init import keypair_of
from keysvc.commands.output import print_all
from keysvc.commands.output import print_one
from keysvc.commands.properties import given
from keysvc.commands.properties import load
from keysvc.commands.properties import properties_argument
from keysvc.commands.properties import read
from keysvc.current import service
from keysvc.errors import Invalid
from keysvc.model import Kind
from keysvc.model import Listing
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.schemas.fields import Text
from keysvc.schemas.keypair_properties import KeypairPropertiesSchema
from keysvc.schemas.keypairs import KeypairChangeSchema
from keysvc.schemas.keypairs import KeypairDraftSchema
from keysvc.schemas.keypairs import KeypairSchema


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
    print_one(keypair, as_json)


@keypairs.command("list")
@click.argument("user")
@json_option
def list_keypairs(user: str, as_json: bool) -> None:
    """List the keypairs of USER."""
    page = service.credentials.brief_page(
        operator(), Kind.KEYPAIR, _owner(user), Listing()
    )
    rows = [KeypairSchema().dump(item) for item in page.items]
    print_all(rows, as_json)


@keypairs.command()
@click.argument("user")
@click.argument("access_key")
@json_option
def show(user: str, access_key: str, as_json: bool) -> None:
    """Show every property of a keypair but its secret key."""
    found = service.credentials.get(operator(), Kind.KEYPAIR, _owner(user), access_key)
    values = KeypairPropertiesSchema().dump(found)
    print_one(values, as_json)


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
    return Owner(OwnerKind.USER, read(Text(maximum=255), user, "USER"))


def _load(schema: Schema, properties: Iterable[str]) -> Any:
    return load(schema, {"props": given(properties)})
