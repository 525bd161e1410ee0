"""``keysvc serve``: one command from nothing to a running service."""

import os
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from keysvc.commands.group import operator
from keysvc.commands.init import tell_prepared
from keysvc.current import service

_CONF = Path(__file__).parent.parent / "gunicorn_conf.py"


@click.command()
@click.option(
    "--bind",
    default="127.0.0.1:8000",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen: HOST:PORT, or unix:PATH.",
)
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Processes that answer.",
)
@click.option(
    "--threads",
    default=4,
    show_default=True,
    type=click.IntRange(1),
    help="Requests that each process answers at once.",
)
@click.argument("gunicorn", nargs=-1, type=click.UNPROCESSED)
@with_appcontext
def serve(bind: str, workers: int, threads: int, gunicorn: tuple[str, ...]) -> None:
    """
    Answer requests, after making whatever is missing.

    What follows `--` goes to gunicorn: `keysvc serve -- --keepalive 30`.
    """
    tell_prepared(service.installation.prepare())
    _tell_first_steps(bind)
    sys.stdout.flush()
    command = [
        *(sys.executable, "-m", "gunicorn", "--config", str(_CONF)),
        *("--bind", bind, "--workers", str(workers), "--threads", str(threads)),
        *gunicorn,
        "keysvc.factory:create_app()",
    ]
    # A host may have its settings in app.config: the workers get them too.
    environment = os.environ | service.settings.environment()
    os.execve(sys.executable, command, environment)


def _tell_first_steps(bind: str) -> None:
    """Hand out the first administrator, but only to a person: never to a journal."""
    installation = service.installation
    if installation.has_administrator():
        return
    if not sys.stdout.isatty():
        click.echo("There is no administrator yet: `keysvc init` makes one.", err=True)
        return
    issued = installation.first_administrator(operator())
    if issued is None:
        return
    access_key = issued.credential.public_id
    click.echo(
        f"Your administrator, shown this one time:\n\n"
        f"  accessKey: {access_key}\n"
        f"  secretKey: {issued.secret}\n\n"
        f"Try it:\n\n"
        f"  curl -u {access_key}:{issued.secret} -X REPORT"
        f" {_address(bind)}/v2/admin/keypairs/admin\n"
    )


def _address(bind: str) -> str:
    """Return where curl finds what listens there."""
    if bind.startswith("unix:"):
        return f"--unix-socket {bind.removeprefix('unix:')} http://localhost"
    return f"http://{bind}"
