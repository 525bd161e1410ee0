"""``keysvc audit``."""

import click

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.output import print_json
from keysvc.core.ledger import Head
from keysvc.current import service


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
    finding = service.ledger.verify(_witness(head) if head else None)
    if as_json:
        print_json({"good": finding.good, "flaw": finding.flaw})
    else:
        click.echo(f"{finding.good} records are good.")
    if finding.flaw:
        raise click.ClickException(f"The audit is broken: {finding.flaw}.")


def _witness(text: str) -> Head:
    seq, _, mac = text.partition(":")
    if not seq.isdigit() or len(mac) != 64:
        raise click.BadParameter("looks like 42:9f86d0… (64 hexadecimal characters)")
    return Head(int(seq), mac)
