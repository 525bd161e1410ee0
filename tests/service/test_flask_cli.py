"""The same commands through ``flask``: in the checkout, and in a host application."""

import json
import subprocess
from pathlib import Path

import click
import pytest
from flask import Flask
from flask.cli import FlaskGroup
from flask.cli import ScriptInfo

from keysvc.commands import commands
from tests.service.servers import BIN
from tests.service.servers import environment

ROOT = Path(__file__).parents[2]

_HOST = """
from flask import Flask
from keysvc import KeyService

app = Flask("host")
app.config["KEYSVC_HOME"] = {home!r}
KeyService(app, url_prefix="/keys")
"""


@pytest.fixture(params=["checkout", "host"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[Path, dict[str, str]]:
    """Return where ``flask --app app`` is called, and with which settings."""
    home = str(tmp_path / "home")
    if request.param == "checkout":
        return ROOT, {"KEYSVC_HOME": home}
    (tmp_path / "app.py").write_text(_HOST.format(home=home))
    return tmp_path, {}


def _flask(
    place: tuple[Path, dict[str, str]], *arguments: str
) -> subprocess.CompletedProcess[str]:
    directory, settings = place
    return subprocess.run(
        [str(BIN / "flask"), "--app", "app", "keysvc", *arguments],
        cwd=directory,
        env=environment(PYTHONDONTWRITEBYTECODE="1", **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_commands_are_there_and_work(
    place: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    helped = _flask(place, "--help")
    assert helped.returncode == 0, helped.stderr
    for name in commands.commands:
        assert f"\n  {name} " in helped.stdout

    made = _flask(place, "init", "--json")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "home" / "secret-keys").exists()
    access_key = json.loads(made.stdout)["accessKey"]
    listed = _flask(place, "keypairs", "list", "admin", "--json")
    assert [k["accessKey"] for k in json.loads(listed.stdout)] == [access_key]
    assert _flask(place, "audit", "verify").stdout == "1 records are good.\n"


def test_an_error_is_a_sentence(place: tuple[Path, dict[str, str]]) -> None:
    done = _flask(place, "keypairs", "list", "u1")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_a_host_keeps_its_own_commands(app: Flask) -> None:
    @app.cli.command("greet")
    def greet() -> None:
        click.echo("hello")

    group = FlaskGroup(create_app=lambda: app)
    context = click.Context(group, obj=ScriptInfo(create_app=lambda: app))

    assert {"greet", "keysvc", "routes"} <= set(group.list_commands(context))
    assert app.test_cli_runner().invoke(args=["greet"]).output == "hello\n"
