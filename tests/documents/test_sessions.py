"""What a document shows of a session with the service is what comes of it."""

import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import databases
from tests.documents.reading import blocks
from tests.documents.reading import DOCUMENTS
from tests.documents.reading import name_of
from tests.documents.reading import SESSIONS
from tests.documents.reading import Step
from tests.documents.shell import normal
from tests.documents.shell import Shell
from tests.service.servers import REVOCATION
from tests.service.servers import Server

_ADDRESS = "127.0.0.1:8000"

#: A PostgreSQL that is empty at first.
_DATABASE = "postgresql://keysvc@db/keysvc"

#: What somebody is answered whose credential was good before.
_REFUSALS = ('"status":401', "CredentialsNotValid")

#: What each document must show, or it would hold for nothing.
_SHOWN = {"README": "REPORT", "curl": "/v1/verify", "operations": "keysvc copy"}


def _replayed(document: Path) -> list[Step]:
    steps = [step for block in blocks(document, "console") for step in block.steps]
    return [step for step in steps if not step.is_listed]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a service in a fresh directory, as each document begins with."""
    directory = tmp_path / "fresh"
    directory.mkdir()
    with Server(directory, logs=tmp_path / "log") as server:
        yield server


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Iterator[Shell]:
    """Return a shell where the service was started."""
    with Shell(server.directory, tmp_path / "home-of-the-shell") as shell:
        yield shell


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_block_is_replayed_or_listed(document: Path) -> None:
    shown = blocks(document, "console")
    assert shown

    neither = [
        block for block in shown if len({step.is_listed for step in block.steps}) != 1
    ]

    assert neither == []


@pytest.fixture
def empty_database(postgres: str) -> Iterator[str]:
    """Return where the document has its empty database."""
    with databases.fresh(postgres) as url:
        yield url


@pytest.mark.parametrize("document", SESSIONS, ids=name_of)
def test_every_session_gives_what_the_document_says(
    document: Path, server: Server, shell: Shell, empty_database: str
) -> None:
    steps = _replayed(document)
    assert any(_SHOWN[name_of(document)] in step.command for step in steps)

    for command, output in steps:
        if any(word in output for word in _REFUSALS):
            # Another worker may have learnt of it up to so much later.
            time.sleep(REVOCATION)
        command = command.replace(_DATABASE, shlex.quote(empty_database))
        came = shell.run(command.replace(_ADDRESS, server.bind))

        assert normal(came.replace(server.bind, _ADDRESS)) == normal(output), command
