"""The directory that workers share: private, fresh, and gone in the end."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysvc.errors import Misconfigured
from keysvc.metrics import directory
from tests.service.servers import environment

ME = (os.geteuid(), os.getegid())

#: Begins as a server does, and waits to be killed.
_SERVER = """
import os, signal, sys
from keysvc.metrics import directory
directory.begin(sys.argv[1], os.geteuid(), os.getegid())
print(os.environ[directory.VARIABLE], flush=True)
signal.pause()
"""

#: Asks for metrics while the directory is there, and when it is gone.
_ASKER = """
import shutil, sys
from keysvc import create_app

client = create_app().test_client()
print(client.get("/metrics").status_code)
shutil.rmtree(sys.argv[1], ignore_errors=True)
client.get("/nowhere")
print(client.get("/metrics").status_code)
"""


@pytest.fixture(autouse=True)
def _untold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(directory.VARIABLE, "")
    yield
    directory.end()


def _begun(where: Path) -> Path:
    directory.begin(str(where), *ME)
    return Path(os.environ[directory.VARIABLE])


def test_it_is_private_and_goes_with_the_server(tmp_path: Path) -> None:
    own = _begun(tmp_path)
    (own / "counter_1.db").touch()

    assert [*tmp_path.iterdir()] == [own]
    assert stat.S_IMODE(own.stat().st_mode) == 0o700

    directory.end()
    assert [*tmp_path.iterdir()] == []


def test_what_a_killed_server_has_left_is_swept(tmp_path: Path) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(tmp_path)], stdout=subprocess.PIPE
    )
    with killed:
        assert killed.stdout is not None
        left = Path(killed.stdout.readline().decode().strip())
        # While it lives, nobody touches it.
        own = _begun(tmp_path)
        assert {*tmp_path.iterdir()} == {left, own}
        directory.end()
        killed.send_signal(signal.SIGKILL)
    assert left.is_dir()
    os.environ[directory.VARIABLE] = ""

    assert [*tmp_path.iterdir()] == [left]
    own = _begun(tmp_path)
    assert [*tmp_path.iterdir()] == [own] != [left]


def test_what_has_the_name_by_chance_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (tmp_path / "keysvc-metrics-link").symlink_to(elsewhere)
    (tmp_path / "keysvc-metrics-file").touch()

    _begun(tmp_path)

    assert (elsewhere / "kept").exists()
    assert (tmp_path / "keysvc-metrics-file").exists()


def test_an_operators_own_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "run" / "metrics"
    monkeypatch.setenv(directory.VARIABLE, str(own))
    directory.begin(None, *ME)
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    gone = {own / f"gauge_live{mode}_{child.pid}.db" for mode in ("sum", "max")}
    kept = {own / f"counter_{child.pid}.db", own / f"gauge_livesum_{os.getpid()}.db"}
    for file in gone | kept:
        file.touch()

    directory.begin(None, *ME)
    directory.end()

    # What was counted stays; how things were in a process that is gone does not.
    assert {*own.iterdir()} == kept


def test_where_none_can_be_made_the_start_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        directory.begin(str(tmp_path / "nowhere"), *ME)
    monkeypatch.setenv(directory.VARIABLE, str(tmp_path / "file" / "below"))
    with pytest.raises(Misconfigured, match=directory.VARIABLE):
        directory.begin(None, *ME)


@pytest.mark.parametrize(
    ("path", "statuses"), [("to/be/made", "200\n503\n"), ("file/x", "503\n503\n")]
)
def test_without_a_directory_the_metrics_are_away_and_nothing_else(
    path: str, statuses: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    told = tmp_path / path
    settings = environment(KEYSVC_HOME=tmp_path, PROMETHEUS_MULTIPROC_DIR=told)

    done = subprocess.run(
        [sys.executable, "-c", _ASKER, str(told)],
        env=settings,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout == statuses, done.stderr
