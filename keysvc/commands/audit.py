"""``keysvc audit``."""

import re

import click

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.output import print_json
from keysvc.current import service
from keysvc.model import Head

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@click.group(cls=Commands)
def audit() -> None:
    """Check the record of every change."""


@audit.command()
@click.option(
    "--head",
    metavar="SEQ:MAC",
    help="A head that the log has told: it must still be in the chain.",
)
@json_option
def verify(head: str | None, as_json: bool) -> None:
    """
    Check that no record was changed, inserted or removed.

    Exits with 1 and names the first bad record if any was.
    """
    finding = service.ledger.verify(None if head is None else _witness(head))
    if as_json:
        print_json({"good": finding.good, "flaw": finding.flaw})
    else:
        click.echo(f"{finding.good} records are good.")
    if finding.flaw:
        raise click.ClickException(f"The audit is broken: {finding.flaw}.")


def _witness(text: str) -> Head:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise click.BadParameter("looks like 42:9f86d0… (64 hexadecimal characters)")
    return Head(int(found[1]), found[2])
