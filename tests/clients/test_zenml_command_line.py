"""PyPI's ``zenml`` command, unmodified: service accounts, API keys and logins."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.zenml_house import Done
from tests.clients.zenml_house import Home

pytestmark = pytest.mark.clients

ACCOUNT = ("service-account",)

#: It lists the newest first, if it is not told.
IN_TURN = ("--sort_by", "created")

MakeHome = Callable[..., Home]


def _accounts(home: Home, *filters: str) -> list[str]:
    """Return the names of the accounts that are listed there."""
    items = home.items(*ACCOUNT, "list", *IN_TURN, *filters, columns="name")
    return [item["name"] for item in items]


def _key(done: Done) -> str:
    """Return the API key that was printed; it is printed twice."""
    (key,) = set(re.findall(r"ksa_[0-9A-Za-z]{54}\b", done.said))
    return str(key)


def _login(home: Home, url: str, key: str, code: int = 0) -> Done:
    return home.zenml("login", url, "--api-key", said=f"{key}\n", code=code)


def test_accounts_from_their_creation_to_their_end(operator: Home) -> None:
    for name in ("ci-ω", "runner"):
        made = operator.zenml(
            *(*ACCOUNT, "create", name, "-d", "δ", "--create-api-key", "False")
        )
        assert made.said.strip() == f"Created service account '{name}'."
    again = operator.zenml(*ACCOUNT, "create", "ci-ω", code=1)
    assert "There is a service account 'ci-ω'." in again.said
    described = operator.zenml(*ACCOUNT, "describe", "ci-ω").said
    assert "DESCRIPTION δ" in described
    assert "ACTIVE True" in described

    operator.zenml(
        *(*ACCOUNT, "update", "ci-ω"),
        *("--active", "false", "--description", "", "--name", "zed"),
    )
    assert "ACTIVE False" in operator.zenml(*ACCOUNT, "describe", "zed").said
    gone = operator.zenml(*ACCOUNT, "describe", "ci-ω", code=1)
    assert "No service_accounts have been found" in gone.said

    assert _accounts(operator) == ["zed", "runner"]
    assert _accounts(operator, "--sort_by", "asc:name") == ["runner", "zed"]
    assert _accounts(operator, "--active", "false") == ["zed"]
    assert _accounts(operator, "--name", "contains:UN") == ["runner"]
    assert _accounts(operator, "--description", "oneof:[]", "--size", "1") == ["zed"]
    assert _accounts(operator, "--size", "1", "--page", "2") == ["runner"]
    either = ("--name", "runner", "--active", "false", "--logical_operator", "or")
    assert _accounts(operator, *either) == ["zed", "runner"]
    assert _accounts(operator, "--created", "lt:2020-01-01 00:00:00") == []
    beyond = operator.zenml(*ACCOUNT, "list", "--page", "9", code=1)
    assert "ValueError" in beyond.said

    assert "Deleted" in operator.zenml(*ACCOUNT, "delete", "zed").said
    operator.zenml(*ACCOUNT, "delete", "runner")
    assert _accounts(operator) == []
    operator.zenml(*ACCOUNT, "delete", "runner", code=1)


def test_api_keys_from_their_creation_to_their_end(
    operator: Home, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    made = operator.zenml(*ACCOUNT, "create", "owner", "--output-file", str(file))
    assert "Successfully created API key `default`." in made.said
    assert "ksa_" not in made.said
    assert file.read_text().startswith("ksa_")

    keys = (*ACCOUNT, "api-key", "owner")
    first = _key(operator.zenml(*keys, "create", "k", "-d", "laptop"))
    assert first != file.read_text()
    assert "credential 'k'" in operator.zenml(*keys, "create", "k", code=1).said
    described = operator.zenml(*keys, "describe", "k").said
    assert "DESCRIPTION laptop" in described
    assert "SERVICE_ACCOUNT owner" in described
    assert "LAST_ROTATED None" in described
    assert first[4:20] not in described, "nothing of the key is told again"

    operator.zenml(*keys, "update", "k", "--name", "κ", "--active", "false")
    rotated = operator.zenml(*keys, "rotate", "κ", "--retain", "5")
    assert "will remain valid for 5 minutes" in rotated.said
    assert _key(rotated) != first
    after = operator.zenml(*keys, "describe", "κ").said
    assert "RETAIN_PERIOD_MINUTES 5" in after
    assert "LAST_ROTATED None" not in after

    def found(*filters: str) -> list[str]:
        shown: list[dict[str, Any]] = operator.items(
            *(*keys, "list", *IN_TURN, *filters), columns="name,service_account"
        )
        assert {item["service_account"] for item in shown} <= {"owner"}
        return [item["name"] for item in shown]

    assert found() == ["default", "κ"]
    assert found("--active", "false") == ["κ"]
    assert found("--name", "startswith:DEF") == ["default"]
    assert found("--last_rotated", "gte:2020-01-01 00:00:00") == ["κ"]
    assert found("--last_login", "gte:2020-01-01 00:00:00") == []

    kept = operator.zenml(*keys, "delete", "κ", said="n\n")
    assert "canceled" in kept.said
    assert "Deleted" in operator.zenml(*keys, "delete", "κ", "--yes").said
    assert found() == ["default"]
    operator.zenml(*keys, "delete", "κ", "--yes", code=1)
    operator.zenml(*ACCOUNT, "delete", "owner")
    operator.zenml(*keys, "list", code=1)


def test_a_login_with_an_api_key(operator: Home, home: MakeHome, url: str) -> None:
    """Its session ends with a rotation; the new key opens another."""
    operator.zenml(*ACCOUNT, "create", "robot", "--create-api-key", "False")
    keys = (*ACCOUNT, "api-key", "robot")
    first = _key(operator.zenml(*keys, "create", "k"))
    robot = home()

    _login(robot, url, first)
    status = robot.zenml("status").said
    assert "The active user is: 'robot'" in status
    assert "Server authentication: API key" in status
    assert _accounts(robot) == ["robot"]
    refused = robot.zenml(*ACCOUNT, "create", "another", code=1)
    assert "IllegalOperationError" in refused.said

    second = _key(operator.zenml(*keys, "rotate", "k"))
    ended = robot.zenml(*ACCOUNT, "list", code=1)
    assert "CredentialsNotValid" in ended.said
    _login(home(), url, first, code=1)
    _login(robot, url, second)
    assert _accounts(robot) == ["robot"]

    operator.zenml(*ACCOUNT, "update", "robot", "--active", "false")
    _login(home(), url, second, code=1)
    operator.zenml(*ACCOUNT, "delete", "robot")
