"""``keysvc rotate``, ``stale``, ``deactivate``: credentials of whatever family."""

from typing import Any

import click
from flask.cli import with_appcontext

from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.output import print_all
from keysvc.commands.output import print_one
from keysvc.commands.properties import load
from keysvc.commands.properties import read
from keysvc.current import service
from keysvc.errors import Invalid
from keysvc.schemas.credentials import creator_of
from keysvc.schemas.credentials import CREATORS
from keysvc.schemas.credentials import CredentialQuerySchema
from keysvc.schemas.credentials import owner_of
from keysvc.schemas.credentials import OWNERS
from keysvc.schemas.credentials import Pair
from keysvc.schemas.credentials import written
from keysvc.schemas.limits import MAX_GRACE
from keysvc.schemas.spelling import camel

#: What fits into a line of a terminal.
_LISTED = ("kind", "id", "owner", "active", "createdAt", "lastUsedAt", "expiresAt")

owner_option = click.option("--owner", metavar="KIND:ID", help="Such as user:alice.")
created_by_option = click.option(
    "--created-by", metavar="KIND:ID", help="Such as keypair:KPPHLVNUKJFEKDLPPBHI."
)


@click.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--grace",
    default=0,
    show_default=True,
    type=click.IntRange(0, MAX_GRACE),
    help="Minutes that the old secret is good for.",
)
@json_option
@with_appcontext
def rotate(id_: str, grace: int, as_json: bool) -> None:
    """Give a credential of any family another secret, and print it this one time."""
    issued = service.upkeep.rotate(operator(), id_, grace)
    told = written(issued.credential)
    shown = {n: told[n] for n in ("kind", "id", "graceUntil")}
    print_one({**shown, "secret": issued.secret}, as_json)


@click.command()
@click.option("--kind", help="keypair, api_key or access_key.")
@owner_option
@created_by_option
@click.option("--unused-for", metavar="SPAN", help="Not used for so long: 90d, 12h.")
@click.option("--expires-within", metavar="SPAN", help="Will have expired by then.")
@json_option
@with_appcontext
def stale(as_json: bool, **asked: str | None) -> None:
    """
    Find credentials to clean up, of all families, oldest first.

    Without any option it lists them all.
    """
    given = {camel(name): text for name, text in asked.items() if text is not None}
    search = load(CredentialQuerySchema(), given | {"limit": "100"})
    rows = [written(found) for found in service.upkeep.all(operator(), search)]
    print_all(rows if as_json else [_briefly(row) for row in rows], as_json)


@click.command()
@owner_option
@created_by_option
@click.option("--dry-run", is_flag=True, help="Only tell what would be switched off.")
@json_option
@with_appcontext
def deactivate(
    owner: str | None, created_by: str | None, dry_run: bool, as_json: bool
) -> None:
    """
    Switch off all that an owner has, or all that somebody has created.

    All of it in one transaction, or nothing. `... update ID active=true` of its family
    switches one on again.
    """
    if (owner is None) is (created_by is None):
        raise Invalid("Give --owner or --created-by; one of them.")
    group = (
        owner_of(read(Pair(OWNERS), owner, "--owner"))
        if owner
        else creator_of(read(Pair(CREATORS), created_by, "--created-by"))
    )
    ids = service.upkeep.deactivate(operator(), group, dry_run=dry_run)
    done = "Would deactivate" if dry_run else "Deactivated"
    if as_json:
        return print_one({"ids": ids}, as_json)
    for id_ in ids:
        click.echo(f"{done} {id_}.")
    return None if ids else click.echo("There is nothing active.")


def _briefly(row: dict[str, Any]) -> dict[str, Any]:
    owner = row["owner"]
    return {**{n: row[n] for n in _LISTED}, "owner": f"{owner['kind']}:{owner['id']}"}
