"""``keysvc secrets``: change the ring, and lose nothing by it."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Run
from tests.conftest import Client

KEY_ID = re.compile(r"[0-9a-f]{16}")


@pytest.fixture
def config(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Keep the ring in a file, so that the commands can change it."""
    path = tmp_path / "ring"
    path.write_text(config.pop("KEYSVC_SECRET_KEYS") + "\n")
    path.chmod(0o600)
    return {**config, "KEYSVC_SECRET_KEYS_FILE": str(path)}


def _states(run: Run) -> list[dict[str, Any]]:
    done = run("secrets", "list", "--json")
    assert done.exit_code == 0, done.stderr
    states: list[dict[str, Any]] = json.loads(done.stdout)
    return states


def _rotate(run: Run) -> str:
    done = run("secrets", "rotate")
    assert done.exit_code == 0, done.stderr
    return done.stdout.removeprefix("New first key: ").strip()


def test_list_shows_ids_and_what_needs_them(run: Run, config: dict[str, Any]) -> None:
    run("keypairs", "create", "u1")

    table = run("secrets", "list").stdout

    [only] = _states(run)
    assert KEY_ID.fullmatch(only["key_id"])
    assert (only["makes"], only["credentials"]) == (True, 1)
    assert table.splitlines()[2].split() == [only["key_id"], "yes", "1"]
    ring = Path(config["KEYSVC_SECRET_KEYS_FILE"]).read_text().strip()
    assert ring not in table


def test_a_whole_change_of_keys(
    run: Run,
    config: dict[str, Any],
    tenant: Callable[..., Client],
) -> None:
    client = tenant("u1", "keypairs:read")
    ring = Path(config["KEYSVC_SECRET_KEYS_FILE"])
    [old] = [state["key_id"] for state in _states(run)]

    new = _rotate(run)

    assert [(s["key_id"], s["makes"]) for s in _states(run)] == [
        (new, True),
        (old, False),
    ]
    assert stat.S_IMODE(ring.stat().st_mode) == 0o600
    assert len(ring.read_text().splitlines()) == 2
    refused = run("secrets", "drop", old)
    assert refused.exit_code == 1
    assert "1 credentials need this key: KP" in refused.stderr
    assert run("secrets", "reseal").stdout == "Resealed 1 keypairs.\n"
    assert run("secrets", "drop", old).stdout == f"Dropped {old}.\n"
    assert [s["key_id"] for s in _states(run)] == [new]
    assert len(ring.read_text().splitlines()) == 1
    assert client.report("/v2/admin/keypairs/u1").status_code == 200
    assert run("audit", "verify").exit_code == 0


def test_force_kills_what_needs_the_key(
    run: Run, tenant: Callable[..., Client]
) -> None:
    client = tenant("u1", "keypairs:read")
    [listed] = json.loads(run("keypairs", "list", "u1", "--json").stdout)
    [old] = [state["key_id"] for state in _states(run)]
    _rotate(run)

    done = run("secrets", "drop", old, "--force")

    assert done.stdout == f"Dropped {old}.\nKilled {listed['accessKey']}.\n"
    assert client.report("/v2/admin/keypairs/u1").status_code == 401
    assert run("audit", "verify").exit_code == 0


def test_the_first_key_stays(run: Run) -> None:
    [only] = _states(run)

    done = run("secrets", "drop", only["key_id"], "--force")

    assert done.exit_code == 1
    assert "`keysvc secrets rotate` comes before" in done.stderr


def test_a_key_that_is_not_there_is_told(run: Run) -> None:
    done = run("secrets", "drop", "0" * 16)

    assert done.exit_code == 1
    assert done.stderr == f"Error: The ring has no key {'0' * 16}.\n"


def test_reseal_with_nothing_to_do(run: Run) -> None:
    done = run("secrets", "reseal")

    assert done.exit_code == 0
    assert done.stdout == "Resealed 0 keypairs.\n"
