"""``keysvc copy``, ``keysvc backup`` and ``keysvc restore``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from keysvc.commands.group import operator
from keysvc.core.moving import backup as backups
from keysvc.core.moving.copying import copying
from keysvc.current import service

_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


class _Address(click.ParamType[str]):
    """The URL of a database."""

    name = "URL"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Return *value*, if it can be such an URL."""
        if not str(value).startswith(("sqlite:///", "postgresql://")):
            self.fail("begins with sqlite:/// or postgresql://", param, ctx)
        return str(value)


@click.command()
@click.option("--from", "source", type=_Address(), required=True, help="The old one.")
@click.option("--to", "target", type=_Address(), required=True, help="A new one.")
@with_appcontext
def copy(source: str, target: str) -> None:
    """
    Copy a database into a new one, of either engine, and compare all rows.

    Stop the services of the old one before: what is written to it meanwhile is found,
    and the copy is not complete. Broken off, it goes on where it was when it is run
    again; until it is complete, nothing serves the new one.
    """
    with copying(service.settings, source, target) as under_way:
        rows = under_way.total
        _show("Copying", rows, under_way.bring())
        _show("Comparing", rows, under_way.prove())
    click.echo(
        f"{rows} rows are the same in both, and {under_way.good} audit records are"
        f" good. The ring is not in it: {backups.whereabouts(service.settings)}."
    )


@click.command()
@_FILE
@click.option("--force", is_flag=True, help="Replace the file, if there is one.")
@with_appcontext
def backup(file: Path, force: bool) -> None:
    """
    Write a SQLite database to FILE, while the service goes on.

    The ring of secret keys is not in it, and without it a backup is worth nothing:
    keep it too, elsewhere.
    """
    head = backups.back_up(service.settings, file, force=force)
    click.echo(f"Backed up to {file}. Its audit ends with {head.seq}:{head.mac}.")
    ring = backups.whereabouts(service.settings)
    click.echo(f"The ring is not in it: {ring}. Without it, all is lost.")


@click.command()
@_FILE
@click.option("--force", is_flag=True, help="Replace what is there.")
@with_appcontext
def restore(file: Path, force: bool) -> None:
    """
    Make the SQLite database what it was when FILE was written.

    It is proven good before anything is replaced: its pages, its audit, its ring.
    Running services go on with it.
    """
    head = backups.restore(service.settings, operator(), file, force=force)
    click.echo(f"Restored {file}: its audit ends with {head.seq}:{head.mac}.")


def _show(label: str, length: int, steps: Iterable[int]) -> None:
    """Show a bar of *length* while *steps* are made."""
    with click.progressbar(length=length, label=label) as bar:
        for done in steps:
            bar.update(done)
