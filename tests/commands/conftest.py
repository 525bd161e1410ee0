"""Run commands in process, as a person at a shell would."""

from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from keysvc import create_app
from keysvc.commands import commands
from keysvc.core.background import finish_all
from keysvc.store.connection import disconnect

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Return a function that runs a command: ``run("keypairs", "list", "u1")``."""
    return _runner(app)


@pytest.fixture
def nothing(empty_url: str, tmp_path: Path) -> dict[str, Any]:
    """Return settings of an installation of which nothing has been made yet."""
    return {"KEYSVC_HOME": str(tmp_path / "home"), "KEYSVC_DATABASE_URL": empty_url}


@pytest.fixture
def begin(nothing: dict[str, Any]) -> Iterator[Callable[[], Run]]:
    """Return a function that makes a process afresh, and returns its ``run``."""

    def begin() -> Run:
        finish_all()
        disconnect()
        return _runner(create_app(nothing))

    yield begin
    finish_all()
    disconnect()


def _runner(app: Flask) -> Run:
    def run(*arguments: str, **kwargs: Any) -> Result:
        return app.test_cli_runner().invoke(commands, arguments, **kwargs)

    return run
