"""docs/estate.md, done from its first line to its last: what it shows is what comes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from keysvc import KeyService
from keysvc.testing import key_store
from tests.documents.reader import Reader
from tests.documents.reading import blocks
from tests.documents.reading import ESTATE
from tests.documents.reading import SESSIONS
from tests.documents.shell import normal
from tests.documents.shell import Shell


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return where the reader begins: in an empty directory."""
    directory = tmp_path / "estate"
    directory.mkdir()
    return directory


@pytest.fixture
def reader(
    directory: Path, engine: str, empty_url: str, tmp_path: Path
) -> Iterator[Reader]:
    """Return a reader with the embedded database, or one with a PostgreSQL."""
    named = {} if engine == "sqlite" else {"KEYSVC_DATABASE_URL": empty_url}
    with Shell(directory, tmp_path / "home-of-the-shell", **named) as shell:
        reader = Reader(shell, directory)
        yield reader
        reader.stop()


def test_every_block_does_what_the_document_says(reader: Reader) -> None:
    for block in blocks(ESTATE, "python", "console"):
        if block.language == "python":
            reader.write(block)
            continue
        for step in block.steps:
            if not step.is_listed:
                assert normal(reader.do(step)) == normal(step.output), step.command


@pytest.mark.parametrize("name", sorted({b.file for b in blocks(ESTATE, "python")}))
def test_each_file_of_it_is_run(name: str) -> None:
    shown = "".join(block.text for block in blocks(ESTATE, "console"))

    assert f"flask --app {name.removesuffix('.py')} " in shown or (
        f"pytest -q {name}" in shown
    )


def test_no_other_document_shows_python() -> None:
    assert not [document for document in SESSIONS if blocks(document, "python")]


def test_the_application_itself_gets_nothing_else() -> None:
    host = Flask("shop")
    with key_store() as settings:
        host.config.update(settings)
        KeyService(host, url_prefix="/keys")

    assert {*host.cli.commands} == {"keysvc", "openapi"}
    for hooks in (
        host.before_request_funcs,
        host.after_request_funcs,
        host.teardown_request_funcs,
        host.error_handler_spec,
    ):
        assert None not in hooks or not any(hooks[None])
    assert not host.teardown_appcontext_funcs
