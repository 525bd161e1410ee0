"""Whoever asks for help gets some, for every command."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from keysvc.commands import commands


def _all(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _all(inner, (*path, name))


EVERY = dict(_all(commands))


def test_the_commands_are_these() -> None:
    leaves = {" ".join(p) for p, c in EVERY.items() if not isinstance(c, click.Group)}
    assert leaves == {
        "init",
        "serve",
        "migrate",
        *("rotate", "stale", "deactivate"),
        "audit verify",
        "audit purge",
        "copy",
        "backup",
        "restore",
        "scan",
        "keypairs create",
        "keypairs list",
        "keypairs show",
        "keypairs update",
        "keypairs delete",
        *(f"operators {word}" for word in ("add", "list", "passwd", "scopes")),
        *(f"operators {word}" for word in ("disable", "enable", "delete")),
        *("sessions list", "sessions end"),
        *(f"service-accounts {word}" for word in ("create", "list", "show")),
        *(f"service-accounts {word}" for word in ("update", "delete")),
        *(f"api-keys {word}" for word in ("create", "list", "show")),
        *(f"api-keys {word}" for word in ("update", "rotate", "delete")),
        *(f"access-keys {word}" for word in ("create", "list", "show")),
        *(f"access-keys {word}" for word in ("update", "delete")),
        "secrets list",
        "secrets rotate",
        "secrets reseal",
        "secrets drop",
    }


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help_says_something(path: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        done = CliRunner().invoke(commands, [*path, option], prog_name="keysvc")

        assert done.exit_code == 0
        assert done.output.startswith(f"Usage: {' '.join(['keysvc', *path])}")
    words = (EVERY[path].help or "").split()
    assert len(words) >= 5
    assert words[0][0].isupper()


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    options = [p for p in EVERY[path].params if isinstance(p, click.Option)]

    assert [o.name for o in options if not o.help] == []


def test_what_a_script_reads_can_be_had_as_json() -> None:
    read = {"init", "audit verify", "audit purge"}
    read |= {"keypairs create", "keypairs list"}
    read |= {"keypairs show", "secrets list", "operators list", "sessions list"}
    read |= {"scan"} | {
        f"service-accounts {word}" for word in ("create", "list", "show")
    }
    read |= {f"api-keys {word}" for word in ("create", "list", "show", "rotate")}
    with_json = {
        " ".join(path)
        for path, command in EVERY.items()
        if any("--json" in parameter.opts for parameter in command.params)
    }

    assert with_json >= read


def test_the_group_names_serve_and_the_settings() -> None:
    said = " ".join(CliRunner().invoke(commands, ["--help"]).output.split())

    assert "keysvc serve" in said
    assert "KEYSVC_" in said


def test_the_version_is_told() -> None:
    done = CliRunner().invoke(commands, ["--version"], prog_name="keysvc")

    assert done.exit_code == 0
    assert done.output.startswith("keysvc, version ")


def test_an_unknown_command_is_told() -> None:
    done = CliRunner().invoke(commands, ["keypair"], prog_name="keysvc")

    assert done.exit_code == 2
    assert "No such command 'keypair'" in done.output
