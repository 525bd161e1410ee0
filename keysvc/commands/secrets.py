"""``keysvc secrets``: the keys of the ring."""

import click

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.output import print_all
from keysvc.current import service


@click.group(cls=Commands)
def secrets() -> None:
    """
    Change the ring of secret keys that every credential hangs on.

    To replace a key: `rotate`, then `reseal`, then wait until `list` shows that no
    credential needs the old one, then `drop` it.
    """


@secrets.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """Show the keys by their ids, newest first, and what needs them."""
    rows = [state._asdict() for state in service.rekeying.states()]
    print_all(rows, as_json)


@secrets.command()
def rotate() -> None:
    """Put a new key first: it makes, the older ones go on verifying."""
    click.echo(f"New first key: {service.rekeying.rotate(operator())}")


@secrets.command()
def reseal() -> None:
    """Rewrite the sealed secrets of keypairs under the first key."""
    click.echo(f"Resealed {service.rekeying.reseal(operator())} keypairs.")


@secrets.command()
@click.argument("key_id")
@click.option("--force", is_flag=True, help="Kill the credentials that need it.")
def drop(key_id: str, force: bool) -> None:
    """
    Take a key out of the ring.

    Refused while any credential needs it. Digests are renewed when a credential is
    next used; `--force` kills those that were not.
    """
    killed = service.rekeying.drop(operator(), key_id, force=force)
    click.echo(f"Dropped {key_id}.")
    if service.settings.secret_keys:
        click.echo("Now take it out of KEYSVC_SECRET_KEYS everywhere.", err=True)
    for public_id in killed:
        click.echo(f"Killed {public_id}.")
