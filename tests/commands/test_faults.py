"""A command that fails tells where, and not in words that may quote a secret."""

from typing import Any
from typing import NoReturn

import pytest

from keysvc.core.service import Service
from tests.commands.conftest import Run

SECRET = "8Xk2QmVt5LwZr9"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_fault_quotes_nothing(
    run: Run, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> NoReturn:
        raise ValueError(SECRET)

    monkeypatch.setattr(service.credentials, "issue", fail)

    done = run("keypairs", "create", "alice", f"description={SECRET}")

    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "in fail" in done.stderr and "ValueError" in done.stderr
    assert SECRET not in done.output
