"""The README says what is so: its settings, and every line of its sessions."""

import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from typing import NamedTuple
from uuid import uuid4

import pytest

from keysvc.config import PREFIX
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.store.connection import disconnect
from tests.service.servers import environment
from tests.service.servers import REVOCATION
from tests.service.servers import Server

README = Path(__file__).parents[1] / "README.md"

#: A block of such commands is not replayed: it installs, serves, or needs others.
NOT_REPLAYED = (
    "python3 -m venv",
    "openssl",
    "apt",
    "nginx",
    "pg_dump",
    "sqlite3",
    "gunicorn",
    "granian",
    "keysvc serve",
)

_ADDRESS = "127.0.0.1:8000"

#: What somebody is answered whose credential was good before.
_REFUSALS = ('"status":401', "CredentialsNotValid")

#: What differs from run to run, and what stands for it.
_VARYING = (
    (r"(?im)^(Date|Server): .*$", r"\1: …"),
    (r'"nextPageToken": ?"[^"]+"', '"nextPageToken":"PAGE-TOKEN"'),
    (r"(pageToken=)[A-Za-z0-9._~-]+", r"\1PAGE-TOKEN"),
    (r'"totalQueries": ?\d+', '"totalQueries":N'),
    (r"\bKP[A-Z2-7]{18}\b", "ACCESS-KEY"),
    (r"\bkso_[0-9A-Za-z]{54}\b", "TOKEN"),
    (r'"suffix": ?"[0-9A-Za-z]{6}"', '"suffix":"SUFFIX"'),
    (r"\b[0-9a-f]{64}\b", "MAC"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9A-Za-z]{40}\b", "SECRET-KEY"),
    (r"\bks[as]_[0-9A-Za-z]{54}\b", "TOKEN"),
    (r'"expires_in":\d+', '"expires_in":SECONDS'),
    (r"\b[0-9a-f]{16}\b", "KEY-ID"),
    (
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?",
        "TIME",
    ),
)


class Step(NamedTuple):
    """A command of the README, and what it says that comes of it."""

    command: str
    output: str


def _blocks() -> list[list[Step]]:
    """Return the console blocks of the README, each as its steps."""
    found = re.findall(r"^```console\n(.*?)^```$", README.read_text(), re.M | re.S)
    return [_steps(block) for block in found]


def _steps(block: str) -> list[Step]:
    # A line that ends in a backslash goes on in the next one.
    steps = re.split(r"^\$ ", block, flags=re.M)
    assert steps[0] == "", f"This console block begins without a command:\n{block}"
    found = [re.fullmatch(r"((?:.*\\\n)*.*\n)((?:.*\n)*)", s) for s in steps[1:]]
    return [Step(m[1].rstrip("\n"), m[2]) for m in found if m]


def _is_listed(step: Step) -> bool:
    return step.command.startswith(NOT_REPLAYED)


def _normal(text: str) -> str:
    lines = [line.rstrip() for line in text.replace("\r", "").splitlines()]
    text = "\n".join(lines).strip()
    for pattern, placeholder in _VARYING:
        text = re.sub(pattern, placeholder, text)
    return text


class Shell:
    """One bash session: what a command leaves behind is there for the next."""

    def __init__(self, directory: Path, home: Path) -> None:
        home.mkdir()
        # No progress meter: on a terminal there would be none beside the answer.
        (home / ".curlrc").write_text("no-progress-meter\n")
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=directory,
            env=environment(HOME=home, CURL_HOME=home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        """Return what *command* wrote, to whatever stream."""
        assert self._bash.stdin is not None and self._bash.stdout is not None
        end = f"end-{uuid4()}"
        self._bash.stdin.write(f"{{ {command}\n}} </dev/null\necho; echo {end}\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        for line in self._bash.stdout:
            if line.strip() == end:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"The shell ended at: {command}\n{''.join(lines)}")

    def close(self) -> None:
        self._bash.communicate()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a service in a fresh directory, as the README begins with."""
    directory = tmp_path / "fresh"
    directory.mkdir()
    with Server(directory, logs=tmp_path / "log") as server:
        yield server


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Iterator[Shell]:
    """Return a shell where the service was started."""
    shell = Shell(server.directory, tmp_path / "home-of-the-shell")
    yield shell
    shell.close()


def test_every_block_is_replayed_or_listed() -> None:
    blocks = _blocks()
    assert blocks

    neither = [
        block
        for block in blocks
        if not block or len({_is_listed(step) for step in block}) != 1
    ]

    assert neither == []


def test_every_session_gives_what_the_readme_says(server: Server, shell: Shell) -> None:
    sessions = [block for block in _blocks() if not _is_listed(block[0])]
    steps = [step for session in sessions for step in session]
    assert any("curl" in step.command for step in steps)
    assert any("REPORT" in step.command for step in steps)

    for command, output in steps:
        if any(word in output for word in _REFUSALS):
            # Another worker may have learnt of it up to so much later.
            time.sleep(REVOCATION)
        came = shell.run(command.replace(_ADDRESS, server.bind))

        assert _normal(came.replace(server.bind, _ADDRESS)) == _normal(output), command


def test_every_python_block_runs(config: dict[str, Any]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S)
    assert blocks
    for block in blocks:
        names: dict[str, Any] = {}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in config.items():
                patch.setenv(name, str(value))
            exec(block, names)
        client = names["app"].test_client()
        assert client.get("/jobs").status_code == 401
        assert client.get("/keys/healthz").status_code == 200
        finish_all()
        disconnect()


def test_every_setting_has_a_line() -> None:
    table = re.findall(r"^\| *`(KEYSVC_\w+)` *\|(.*)\|$", README.read_text(), re.M)
    names = [name for name, _ in table]

    assert sorted(names) == sorted(PREFIX + f.name.upper() for f in fields(Settings))
    for name, rest in table:
        assert len(rest.rpartition("|")[2].split()) >= 3, f"{name} is not explained."


def test_the_defaults_are_the_ones_of_the_table() -> None:
    text = README.read_text()
    for name, default in Settings().environment().items():
        [said] = re.findall(rf"^\| *`{name}` *\|([^|]*)\|", text, re.M)
        told = said.strip().strip("`")
        if name in {"KEYSVC_DATABASE_URL", "KEYSVC_SECRET_KEYS_FILE"}:
            assert told.replace("sqlite:///", "").startswith("$KEYSVC_HOME/")
        elif name == "KEYSVC_HOME":
            assert told == f"./{default}"
        else:
            assert _plain(told) == _plain(default), name


def test_the_two_commands_are_there() -> None:
    text = README.read_text()

    assert (
        "$ python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/keysvc serve"
        in text
    )
    [test] = re.findall(r"^\$ (.*bin/pytest)$", text, re.M)
    assert shlex.split(test)[-1] == ".venv/bin/pytest"


def _plain(value: str) -> object:
    try:
        return float(value)
    except ValueError:
        return value.lower()
