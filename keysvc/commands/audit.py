"""``keysvc audit``: check the audit, and purge its oldest part."""

import re
from datetime import datetime
from datetime import timedelta

import click

from keysvc.commands.group import Commands
from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.moments import Days
from keysvc.commands.moments import Moment
from keysvc.commands.output import print_json
from keysvc.current import service
from keysvc.model import Head

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
                "purgedUntil": _told(finding.until),
            }
        )
    else:
        click.echo(f"{finding.good} records are good.")
        if finding.purged:
            until = _told(finding.until)
            click.echo(f"{finding.purged} before them were purged, until {until}.")
    if finding.flaw:
        raise click.ClickException(f"The audit is broken: {finding.flaw}.")


@audit.command()
@click.option("--before", type=Moment(), help="Purge what was recorded earlier.")
@click.option("--older-than", type=Days(), help="Purge what is older, as 365d.")
@click.option("--dry-run", is_flag=True, help="Only tell how much that would be.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def purge(
    before: datetime | None,
    older_than: timedelta | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """
    Purge the oldest records, and leave a seal from which the rest follows on.

    KEYSVC_AUDIT_RETENTION does it by itself, every day. A purge is a record too.
    """
    if before is None and older_than is not None:
        before = service.now() - older_than
    elif before is None or older_than is not None:
        raise click.UsageError("Either --before or --older-than says what is too old.")
    retention = service.retention
    if not (dry_run or yes):
        count = retention.count(before).records
        click.confirm(f"Purge {count} records? This cannot be undone.", abort=True)
    done = retention.count(before) if dry_run else retention.purge(operator(), before)
    until = _told(done.until)
    if as_json:
        print_json({"purged": done.records, "until": until, "dryRun": dry_run})
        return
    click.echo(
        f"{'Would purge' if dry_run else 'Purged'} {done.records} records"
        + (f", until {until}." if until else ".")
    )


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _witness(text: str) -> Head:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise click.BadParameter("looks like 42:9f86d0… (64 hexadecimal characters)")
    return Head(int(found[1]), found[2])
