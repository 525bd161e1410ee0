"""``keysvc init`` and ``keysvc migrate``."""

import click
from flask.cli import with_appcontext

from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.output import print_json
from keysvc.core.installation import Prepared
from keysvc.current import service
from keysvc.model import Issued


@click.command()
@click.option("--new-admin", is_flag=True, help="Make another administrator.")
@json_option
@with_appcontext
def init(new_admin: bool, as_json: bool) -> None:
    """
    Make whatever is missing: ring, database, administrator.

    The administrator is a keypair of the user `admin` that may do everything. Its
    secret key is printed here, this one time. Run again, this changes nothing.
    """
    tell_prepared(service.installation.prepare())
    installation = service.installation
    issued = (
        installation.administrator(operator())
        if new_admin
        else installation.first_administrator(operator())
    )
    if issued is None:
        click.echo(
            "There is an administrator: nothing to do."
            " `keysvc init --new-admin` makes another.",
            err=True,
        )
    if as_json:
        print_json(keypair_of(issued))
    elif issued is not None:
        for name, value in keypair_of(issued).items():
            click.echo(f"{name}: {value}")
        click.echo("Keep the secret key: it is not shown again.", err=True)


@click.command()
@with_appcontext
def migrate() -> None:
    """Make or migrate the database. Safe to run again, and by several at once."""
    tell_prepared(service.installation.prepare())
    click.echo("The database is up to date.", err=True)


def tell_prepared(prepared: Prepared) -> None:
    """Say what was made."""
    if prepared.ring is not None:
        click.echo(
            f"Made a ring of secret keys: {prepared.ring}."
            " Back it up: without it every credential is lost.",
            err=True,
        )
    for name in prepared.migrations:
        click.echo(f"Migrated the database: {name}.", err=True)


def keypair_of(issued: Issued | None) -> dict[str, str]:
    """Return a new keypair as the wire shows it; nothing of nothing."""
    if issued is None:
        return {}
    return {"accessKey": issued.credential.public_id, "secretKey": issued.secret}
