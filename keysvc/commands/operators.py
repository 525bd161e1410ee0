"""``keysvc operators`` and ``keysvc sessions``: people who log in."""

import sys

import click

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.output import print_all
from keysvc.commands.properties import read
from keysvc.commands.properties import words
from keysvc.current import service
from keysvc.schemas.fields import Scopes
from keysvc.schemas.service_accounts import PathName

password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@click.group(cls=Commands)
def operators() -> None:
    """People who log in with a name and a password."""


@operators.command()
@click.argument("name")
@click.option("--scopes", default="", help="What it may do: a,b. `*` is everything.")
@password_option
def add(name: str, scopes: str, password_stdin: bool) -> None:
    """Make an operator. Without --password-stdin the password is asked for."""
    granted = read(Scopes(), words(scopes), "scopes")
    made = service.operators.add(
        operator(), read(PathName(), name, "NAME"), _password(password_stdin), granted
    )
    click.echo(f"Made {made.name}.")


@operators.command("list")
@json_option
def list_operators(as_json: bool) -> None:
    """List operators and what they may do."""
    rows = [
        {
            "name": found.name,
            "active": found.is_active,
            "scopes": found.scopes,
            "created": found.created_at.isoformat(),
        }
        for found in service.operators.every()
    ]
    print_all(rows, as_json)


@operators.command()
@click.argument("name")
@password_option
def passwd(name: str, password_stdin: bool) -> None:
    """Change a password. The sessions of the old one end."""
    service.operators.set_password(operator(), name, _password(password_stdin))
    click.echo(f"Changed the password of {name}.")


@operators.command("scopes")
@click.argument("name")
@click.argument("granted", metavar="A,B")
def set_scopes(name: str, granted: str) -> None:
    """Set what an operator may do."""
    scopes = read(Scopes(), words(granted), "scopes")
    service.operators.change(operator(), name, scopes=scopes)
    click.echo(f"Changed the scopes of {name}.")


@operators.command()
@click.argument("name")
def disable(name: str) -> None:
    """Let an operator do nothing any more. `enable` undoes it."""
    service.operators.change(operator(), name, is_active=False)
    click.echo(f"Disabled {name}.")


@operators.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let a disabled operator in again."""
    service.operators.change(operator(), name, is_active=True)
    click.echo(f"Enabled {name}.")


@operators.command()
@click.argument("name")
@click.confirmation_option(prompt="This cannot be undone. Delete the operator?")
def delete(name: str) -> None:
    """Delete an operator and end his sessions."""
    service.operators.delete(operator(), name)
    click.echo(f"Deleted {name}.")


@click.group(cls=Commands)
def sessions() -> None:
    """What logins got: tokens that are good for a while."""


@sessions.command("list")
@json_option
def list_sessions(as_json: bool) -> None:
    """List the sessions whose time is not over."""
    rows = [
        {
            "id": str(found.id),
            "of": f"operator {found.operator_id}"
            if found.operator_id
            else f"api_key {found.credential_id}",
            "created": found.created_at.isoformat(),
            "expires": found.expires_at.isoformat(),
        }
        for found in service.sessions.every()
    ]
    print_all(rows, as_json)


@sessions.command()
@click.argument("id_", metavar="ID")
def end(id_: str) -> None:
    """End a session, before its time is over."""
    service.sessions.end(operator(), id_)
    click.echo(f"Ended {id_}.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.read().removesuffix("\n")
    said: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return said
