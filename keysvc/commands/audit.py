"""``keysvc audit``: check the audit, and purge its oldest part."""

import re
from datetime import datetime
from datetime import timedelta

import click

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.output import print_json
from keysvc.commands.properties import read
from keysvc.current import service
from keysvc.errors import Invalid
from keysvc.model import Head
from keysvc.schemas.fields import Moment
from keysvc.schemas.fields import told
from keysvc.schemas.spans import Span

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@click.group(cls=Commands)
def audit() -> None:
    """Check the record of every change, and purge what is too old."""


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

    What `purge` or KEYSVC_AUDIT_RETENTION has removed is told apart: the rest must
    follow on from it. Exits with 1 and names the first bad record if any is.
    """
    finding = service.ledger.verify(None if head is None else _witness(head))
    if as_json:
        print_json(
            {
                "good": finding.good,
                "flaw": finding.flaw,
                "purged": finding.purged,
                "purgedUntil": told(finding.until),
            }
        )
    else:
        click.echo(f"{finding.good} records are good.")
        if finding.purged:
            until = told(finding.until)
            click.echo(f"{finding.purged} before them were purged, until {until}.")
    if finding.flaw:
        raise click.ClickException(f"The audit is broken: {finding.flaw}.")


@audit.command()
@click.option("--before", metavar="TIME", help="Purge what was recorded earlier.")
@click.option("--older-than", metavar="SPAN", help="Purge what is older: 365d.")
@click.option("--dry-run", is_flag=True, help="Only tell how much that would be.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def purge(
    before: str | None,
    older_than: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """
    Purge the oldest records, and leave a seal from which the rest follows on.

    KEYSVC_AUDIT_RETENTION does it by itself, every day. A purge is a record too.
    """
    limit, retention = _limit(before, older_than), service.retention
    if not (dry_run or yes):
        records = retention.count(limit).records
        click.confirm(f"Purge {records} records? This cannot be undone.", abort=True)
    done = retention.count(limit) if dry_run else retention.purge(operator(), limit)
    until = told(done.until)
    if as_json:
        return print_json({"purged": done.records, "until": until})
    did = "Would purge" if dry_run else "Purged"
    return click.echo(
        f"{did} {done.records} records" + (f", until {until}." if until else ".")
    )


def _limit(before: str | None, older_than: str | None) -> datetime:
    if (before is None) is (older_than is None):
        raise Invalid("Give --before or --older-than; one of them.")
    if older_than is not None:
        span: timedelta = read(Span(), older_than, "--older-than")
        return service.now() - span
    moment: datetime = read(Moment(), before, "--before")
    return moment


def _witness(text: str) -> Head:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise click.BadParameter("looks like 42:9f86d0… (64 hexadecimal characters)")
    return Head(int(found[1]), found[2])
