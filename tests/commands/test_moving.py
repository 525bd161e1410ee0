"""``keysvc copy``, ``backup`` and ``restore``: what they say, and their exit codes."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from keysvc.store.connection import connect
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.tables import CredentialRow
from tests.commands.conftest import Run

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def config(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Keep the ring in a file, of which the commands tell."""
    path = tmp_path / "ring"
    path.write_text(config.pop("KEYSVC_SECRET_KEYS") + "\n")
    return {**config, "KEYSVC_SECRET_KEYS_FILE": str(path)}


def test_copy(run: Run, config: dict[str, Any], tmp_path: Path) -> None:
    for _ in range(3):
        assert run("keypairs", "create", "u1").exit_code == 0
    target = f"sqlite:///{tmp_path / 'moved.db'}"

    done = run("copy", "--from", config["KEYSVC_DATABASE_URL"], "--to", target)

    assert done.exit_code == 0, done.output
    # Three keypairs and records, a head, a ring key, a deployment.
    assert done.stdout.splitlines() == [
        "Copying",
        "Comparing",
        "9 rows are the same in both, and 3 audit records are good. The ring is not"
        f" in it: it is in {tmp_path / 'ring'}.",
    ]
    disconnect()
    connect(target, pool_size=1, pool_timeout=1)
    with reading():
        assert CredentialRow.select().count() == 3


@on_sqlite
def test_copy_tells_what_is_wrong(
    run: Run, config: dict[str, Any], tmp_path: Path
) -> None:
    source = config["KEYSVC_DATABASE_URL"]
    assert run("keypairs", "create", "u1").exit_code == 0
    for arguments, code, word in (
        ((), 2, "--from"),
        (("--from", source), 2, "--to"),
        (("--from", source, "--to", "mysql://x/y"), 2, "begins with"),
        (("--from", "keysvc.db", "--to", source), 2, "begins with"),
        (("--from", source, "--to", source), 1, "The target is not empty"),
        (("--from", f"{source}.old", "--to", source), 1, "There is no"),
        (
            ("--from", source, "--to", "postgresql://nobody:pass-word@127.0.0.1:1/k"),
            1,
            "cannot be asked now",
        ),
    ):
        done = run("copy", *arguments)
        assert done.exit_code == code, done.output
        assert word in done.stderr
        assert "pass-word" not in done.output
        assert "Traceback" not in done.output


@on_sqlite
def test_backup_and_restore(run: Run, tmp_path: Path) -> None:
    assert run("keypairs", "create", "u1").exit_code == 0
    file = tmp_path / "backup.db"

    saved = run("backup", str(file))
    again = run("backup", str(file))
    forced = run("backup", str(file), "--force")
    assert run("keypairs", "create", "u1").exit_code == 0
    kept = run("restore", str(file))
    done = run("restore", str(file), "--force")

    assert saved.exit_code == forced.exit_code == 0, saved.output
    first, second = saved.stdout.splitlines()
    assert first.startswith(f"Backed up to {file}. Its audit ends with 1:")
    assert f"it is in {tmp_path / 'ring'}. Without it, all is lost." in second
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert again.exit_code == kept.exit_code == 1
    assert "--force" in again.stderr and "--force" in kept.stderr
    assert done.exit_code == 0, done.output
    assert (
        done.stdout
        == first.replace("Backed up to", "Restored").replace(". Its", ": its") + "\n"
    )
    assert run("audit", "verify").stdout == "2 records are good.\n"
    assert len(run("keypairs", "list", "u1").stdout.splitlines()) == 3
    assert "backup.db.new" not in os.listdir(tmp_path)


@on_sqlite
def test_restore_tells_what_is_wrong(run: Run, tmp_path: Path) -> None:
    done = run("restore", str(tmp_path / "none.db"))

    assert done.exit_code == 1
    assert f"There is no {tmp_path / 'none.db'}" in done.stderr


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_of_postgresql_its_tools_are_named(run: Run, tmp_path: Path) -> None:
    for words in (("backup",), ("restore", "--force")):
        done = run(*words, str(tmp_path / "backup.db"))
        assert done.exit_code == 1
        assert "pg_dump --format=custom" in done.stderr
        assert "pg_restore --clean" in done.stderr
