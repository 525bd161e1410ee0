"""``keysvc service-accounts`` and ``keysvc api-keys``, for people at a shell."""

from typing import Any
from uuid import UUID

import click

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.output import print_all
from keysvc.commands.output import print_one
from keysvc.commands.properties import given
from keysvc.commands.properties import load
from keysvc.commands.properties import properties_argument
from keysvc.commands.properties import read
from keysvc.current import service
from keysvc.model import AccountDraft
from keysvc.model import AccountKey
from keysvc.model import Kind
from keysvc.model import Listing
from keysvc.model import Owner
from keysvc.model import Sort
from keysvc.schemas.api_keys import ApiKeyChangeSchema
from keysvc.schemas.api_keys import ApiKeyDraftSchema
from keysvc.schemas.api_keys import ApiKeySchema
from keysvc.schemas.envelopes import Shown
from keysvc.schemas.fields import Text
from keysvc.schemas.limits import MAX_GRACE
from keysvc.schemas.service_accounts import PathName
from keysvc.schemas.service_accounts import ServiceAccountChangeSchema
from keysvc.schemas.service_accounts import ServiceAccountSchema


@click.group("service-accounts", cls=Commands)
def service_accounts() -> None:
    """Programs that own API keys."""


@service_accounts.command()
@click.argument("name")
@click.option("--description", default="", help="What it is for.")
@click.option(
    "--external",
    type=click.UUID,
    metavar="UUID",
    help="Made by outside authentication: the API will not change it.",
)
@json_option
def create(name: str, description: str, external: UUID | None, as_json: bool) -> None:
    """Create a service account, without any key."""
    draft = AccountDraft(
        name=read(PathName(), name, "NAME"),
        description=read(Text(maximum=65535, lines=True), description, "description"),
        external_user_id=external,
    )
    _print(
        ServiceAccountSchema().dump(Shown(service.accounts.create(operator(), draft))),
        as_json,
    )


@service_accounts.command("list")
@json_option
def list_accounts(as_json: bool) -> None:
    """List service accounts, the oldest first."""
    page = service.accounts.page(operator(), Listing(sort=Sort("created", "id")))
    shown = [_flat(ServiceAccountSchema().dump(Shown(item))) for item in page.items]
    print_all(shown, as_json)


@service_accounts.command()
@click.argument("name_or_id")
@json_option
def show(name_or_id: str, as_json: bool) -> None:
    """Show a service account, by name or id."""
    found = service.accounts.get(operator(), name_or_id)
    _print(ServiceAccountSchema().dump(Shown(found)), as_json)


@service_accounts.command()
@click.argument("name_or_id")
@properties_argument
def update(name_or_id: str, properties: tuple[str, ...]) -> None:
    """Change name, active, description or full_name of a service account."""
    change = load(ServiceAccountChangeSchema(unknown="raise"), given(properties))
    service.accounts.change(operator(), name_or_id, change)
    click.echo(f"Updated {name_or_id}.")


@service_accounts.command()
@click.argument("name_or_id")
@click.confirmation_option(prompt="This cannot be undone. Delete it and its keys?")
def delete(name_or_id: str) -> None:
    """Delete a service account and all its keys."""
    service.accounts.delete(operator(), name_or_id)
    click.echo(f"Deleted {name_or_id}.")


@click.group("api-keys", cls=Commands)
def api_keys() -> None:
    """
    API keys of service accounts.

    Properties are given as NAME=VALUE, by the names of the API:
    `scopes=api-keys:read,verify`, `expires_at=2030-01-31T12:00:00Z`, `active=false`.
    """


@api_keys.command("create")
@click.argument("account")
@click.argument("name")
@properties_argument
@json_option
def create_key(
    account: str, name: str, properties: tuple[str, ...], as_json: bool
) -> None:
    """Create an API key for ACCOUNT, and print it this one time."""
    draft = load(
        ApiKeyDraftSchema(unknown="raise"), {**given(properties), "name": name}
    )
    owner = _owner(account)
    issued = service.credentials.issue(operator(), Kind.API_KEY, owner, draft)
    _print_key(service.accounts.with_issued(owner, issued), as_json)


@api_keys.command("list")
@click.argument("account")
@json_option
def list_keys(account: str, as_json: bool) -> None:
    """List the API keys of ACCOUNT."""
    owner = _owner(account)
    page = service.credentials.page(operator(), Kind.API_KEY, owner, Listing())
    keys = service.accounts.with_keys(owner, page).items
    shown = [_flat(ApiKeySchema().dump(Shown(key))) for key in keys]
    print_all(shown, as_json)


@api_keys.command("show")
@click.argument("account")
@click.argument("name_or_id")
@json_option
def show_key(account: str, name_or_id: str, as_json: bool) -> None:
    """Show an API key, but not the key itself."""
    owner = _owner(account)
    found = service.credentials.get(operator(), Kind.API_KEY, owner, name_or_id)
    _print_key(service.accounts.with_key(owner, found), as_json)


@api_keys.command("update")
@click.argument("account")
@click.argument("name_or_id")
@properties_argument
def update_key(account: str, name_or_id: str, properties: tuple[str, ...]) -> None:
    """Change properties of an API key; what is not given stays."""
    change = load(ApiKeyChangeSchema(unknown="raise"), given(properties))
    owner = _owner(account)
    service.credentials.change(operator(), Kind.API_KEY, owner, name_or_id, change)
    click.echo(f"Updated {name_or_id}.")


@api_keys.command("rotate")
@click.argument("account")
@click.argument("name_or_id")
@click.option(
    "--retain",
    default=0,
    show_default=True,
    type=click.IntRange(0, MAX_GRACE),
    help="Minutes that the old key is good for.",
)
@json_option
def rotate_key(account: str, name_or_id: str, retain: int, as_json: bool) -> None:
    """Give an API key another secret, and print it this one time."""
    owner = _owner(account)
    issued = service.credentials.rotate(
        operator(), Kind.API_KEY, owner, name_or_id, retain
    )
    _print_key(service.accounts.with_issued(owner, issued), as_json)


@api_keys.command("delete")
@click.argument("account")
@click.argument("name_or_id")
@click.confirmation_option(prompt="This cannot be undone. Delete it?")
def delete_key(account: str, name_or_id: str) -> None:
    """Delete an API key for good."""
    owner = _owner(account)
    service.credentials.delete(operator(), Kind.API_KEY, owner, name_or_id)
    click.echo(f"Deleted {name_or_id}.")


def _owner(account: str) -> Owner:
    return service.accounts.get(operator(), account).owner


def _print_key(key: AccountKey, as_json: bool) -> None:
    _print(ApiKeySchema().dump(Shown(key)), as_json)


def _print(shown: dict[str, Any], as_json: bool) -> None:
    print_one(_flat(shown), as_json)


def _flat(shown: dict[str, Any]) -> dict[str, Any]:
    """Take an envelope apart: at a shell nobody wants to see it."""
    body = {n: v for n, v in shown["body"].items() if n != "service_account"}
    known = {**body, **shown["metadata"]}
    kept = {n: v for n, v in known.items() if v is not None or n == "expires_at"}
    return {"id": shown["id"], "name": shown["name"], **kept}
