"""``keysvc access-keys``: the access keys family, for people at a shell."""

from typing import Any

import click

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.output import print_json
from keysvc.commands.output import print_one
from keysvc.commands.output import print_table
from keysvc.commands.properties import given
from keysvc.commands.properties import load
from keysvc.commands.properties import properties_argument
from keysvc.commands.properties import read
from keysvc.current import service
from keysvc.model import Kind
from keysvc.model import Listing
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.schemas.access_keys import AccessKeyChangeSchema
from keysvc.schemas.access_keys import AccessKeyDraftSchema
from keysvc.schemas.access_keys import AccessKeySchema
from keysvc.schemas.access_keys import MAX_ORGANIZATION
from keysvc.schemas.fields import Text

#: What fits into a line of a terminal.
_LISTED = ("id", "name", "type", "suffix", "active", "createdAt", "lastUsedAt")


@click.group("access-keys", cls=Commands)
def access_keys() -> None:
    """
    Access keys of organizations.

    Properties are given as NAME=VALUE, by the names of the API:
    `description=deploys`, `scopes=access-keys:read,verify`, `roleIds=UUID,UUID`,
    `expiresAt=2030-01-31T12:00:00Z`, `active=false`, `rateLimit=` (none).
    """


@access_keys.command()
@click.argument("organization")
@click.argument("name")
@properties_argument
@click.option("--managed", is_flag=True, help="The API cannot change it.")
@json_option
def create(
    organization: str,
    name: str,
    properties: tuple[str, ...],
    managed: bool,
    as_json: bool,
) -> None:
    """
    Create an access key for ORGANIZATION, and print its token this one time.

    It needs a description: `description=TEXT`.
    """
    draft = load(AccessKeyDraftSchema(), {**given(properties), "name": name})
    draft = draft.with_attributes({"managed": True} if managed else {})
    owner = _owner(organization)
    issued = service.credentials.issue(operator(), Kind.ACCESS_KEY, owner, draft)
    made = AccessKeySchema().dump(issued.credential)
    _print({**made, "token": issued.secret}, as_json)


@access_keys.command("list")
@click.argument("organization")
@json_option
def list_access_keys(organization: str, as_json: bool) -> None:
    """List the access keys of ORGANIZATION."""
    owner = _owner(organization)
    page = service.credentials.page(operator(), Kind.ACCESS_KEY, owner, Listing())
    rows = [AccessKeySchema().dump(item) for item in page.items]
    print_json(rows) if as_json else print_table(map(_briefly, rows))


@access_keys.command()
@click.argument("organization")
@click.argument("id_", metavar="ID")
@json_option
def show(organization: str, id_: str, as_json: bool) -> None:
    """Show an access key, but not its token."""
    owner = _owner(organization)
    found = service.credentials.get(operator(), Kind.ACCESS_KEY, owner, id_)
    _print(AccessKeySchema().dump(found), as_json)


@access_keys.command()
@click.argument("organization")
@click.argument("id_", metavar="ID")
@properties_argument
def update(organization: str, id_: str, properties: tuple[str, ...]) -> None:
    """Change properties of an access key; what is not given stays."""
    change = load(AccessKeyChangeSchema(), given(properties))
    owner = _owner(organization)
    service.credentials.change(operator(), Kind.ACCESS_KEY, owner, id_, change)
    click.echo(f"Updated {id_}.")


@access_keys.command()
@click.argument("organization")
@click.argument("id_", metavar="ID")
@click.confirmation_option(prompt="This cannot be undone. Delete it?")
def delete(organization: str, id_: str) -> None:
    """Delete an access key for good. `update ... active=false` is usually enough."""
    owner = _owner(organization)
    service.credentials.delete(operator(), Kind.ACCESS_KEY, owner, id_)
    click.echo(f"Deleted {id_}.")


def _owner(organization: str) -> Owner:
    name = Text(minimum=1, maximum=MAX_ORGANIZATION)
    return Owner(OwnerKind.ORGANIZATION, read(name, organization, "ORGANIZATION"))


def _briefly(access_key: dict[str, Any]) -> dict[str, Any]:
    return {name: access_key[name] for name in _LISTED}


def _print(access_key: dict[str, Any], as_json: bool) -> None:
    # To people the roles' ids say it all.
    told = {n: v for n, v in access_key.items() if as_json or n != "roleRefs"}
    print_one(told, as_json)
