"""``keysvc scan``: tokens where they should not be."""

import os
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import click
from flask.cli import with_appcontext

from keysvc.commands.findings import Answers
from keysvc.commands.findings import collect
from keysvc.commands.findings import Finding
from keysvc.commands.findings import for_people
from keysvc.commands.findings import for_scripts
from keysvc.commands.group import json_option
from keysvc.commands.group import operator
from keysvc.commands.history import history
from keysvc.commands.output import print_json
from keysvc.commands.output import print_table
from keysvc.commands.sources import Source
from keysvc.commands.sources import sources
from keysvc.commands.sources import Unread
from keysvc.config import TOKEN_PREFIX
from keysvc.core.secrets.sightings import Lookout
from keysvc.current import service
from keysvc.errors import KeysvcError
from keysvc.model import Leak

#: What it exits with; 0 if there was nothing.
FOUND, UNSURE = 1, 2


class _Unsure(click.ClickException):
    """It cannot be told."""

    exit_code = UNSURE


class _Scan(click.Command):
    """Fails with 2, as 1 says that something was found."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeysvcError as error:
            hint = "" if ctx.params["offline"] else " With --offline none is asked."
            raise _Unsure(f"{error}{hint}") from error


def _words(context: Any, option: Any, prefixes: tuple[str, ...]) -> tuple[str, ...]:
    for prefix in prefixes:
        if not TOKEN_PREFIX.fullmatch(prefix):
            raise click.BadParameter("has 1 to 12 characters of 0-9 A-Z a-z")
    return prefixes


@click.command(cls=_Scan)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--git", "with_git", is_flag=True, help="Read the whole history of PATH, too."
)
@click.option("--revoke", is_flag=True, help="Switch off what is found.")
@click.option("--offline", is_flag=True, help="Ask no database.")
@click.option(
    "--prefix",
    "prefixes",
    metavar="WORD",
    multiple=True,
    callback=_words,
    help="Look for tokens that begin so, too; may be repeated.",
)
@json_option
@with_appcontext
def scan(
    paths: tuple[str, ...],
    with_git: bool,
    revoke: bool,
    offline: bool,
    prefixes: tuple[str, ...],
    as_json: bool,
) -> None:
    """
    Find tokens of keysvc in files, below directories, in standard input (`-`).

    By prefix and checksum, in whatever bytes; what is gzip's is unpacked, links are
    not followed. A keypair is found where its two keys stand within 4 KiB. The
    database tells what each token is: VALID, INACTIVE, EXPIRED or UNKNOWN. No token
    is printed.

    --revoke switches off what is found and is not off yet, a hundred in one
    transaction, each with its record in the audit; it ends sessions, and of a secret
    that was rotated the time that is left to it.

    Exits with 0 if there is nothing, with 1 if something was found, with 2 if
    something could not be read or asked, whatever was found besides.
    """
    if offline and revoke:
        raise click.UsageError("--revoke needs the database, and --offline asks none.")
    if not offline:
        service.installation.ensure_ready()
    lookout = Lookout({**dict.fromkeys(prefixes, "token"), **service.token_kinds})
    unread, answers = Unread(), dict[str, Leak]()
    found = collect(lookout, _read(paths, with_git, unread), unread)
    try:
        if not offline:
            _ask([finding.token for finding in found], revoke, answers)
    finally:
        # What was found is told, whatever comes of asking.
        asked = [] if offline else ["code", "id", *(["revoked"] if revoke else [])]
        _print(found, answers, as_json, asked)
        _tell(unread, with_git)
    status = UNSURE if unread.failures else FOUND if found else 0
    click.get_current_context().exit(status)


def _read(paths: Iterable[str], with_git: bool, unread: Unread) -> Iterator[Source]:
    for path in dict.fromkeys(paths):
        yield from sources(path, unread)
        if with_git and os.path.isdir(path):
            yield from history(path, unread)


def _ask(tokens: Iterable[str], revoke: bool, answers: dict[str, Leak]) -> None:
    """Add to *answers* what the tokens are, and end them if that is wanted."""
    ask = service.leaks.report if revoke else service.leaks.examine
    limit = service.leaks.LIMIT
    distinct = list(dict.fromkeys(tokens))
    for first in range(0, len(distinct), limit):
        asked = distinct[first : first + limit]
        answers.update(zip(asked, ask(operator(), asked), strict=True))


def _print(
    found: Mapping[Finding, int], answers: Answers, as_json: bool, asked: Iterable[str]
) -> None:
    if as_json:
        print_json(for_scripts(found, answers))
    elif found:
        columns = ["where", "times", "kind", "publicId", *asked]
        print_table(for_people(found, answers, columns))


def _tell(unread: Unread, with_git: bool) -> None:
    """Tell what was passed over."""
    said = [*unread.failures]
    if unread.links:
        said.append(f"{unread.links} symbolic links were not followed.")
    if unread.special:
        said.append(f"{unread.special} pipes, sockets or devices were not read.")
    if not with_git:
        said += [f"{d}: --git reads its history, too." for d in unread.histories]
    for line in said:
        click.echo(line, err=True)
