"""The deployment files: what linters say of them, and that what they promise holds."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.servers import BIN
from tests.service.servers import environment
from tests.service.servers import free_port

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "examples" / "systemd" / "keysvc.service"
CONTAINERFILE = ROOT / "examples" / "container" / "Containerfile"

#: systemd's own score of how exposed a service is, from 0 (not at all) to 10, times 10.
_EXPOSED = 20


def test_the_containerfile_is_as_a_linter_wants_it() -> None:
    command = [str(BIN / "hadolint"), "--no-color", str(CONTAINERFILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_would_say_if_it_were_not(tmp_path: Path) -> None:
    wrong = tmp_path / "Containerfile"
    wrong.write_text(CONTAINERFILE.read_text() + "RUN cd /tmp && sudo true\n")
    command = [str(BIN / "hadolint"), "--no-color", str(wrong)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "DL3004" in done.stdout


def test_the_container_is_not_root_s() -> None:
    last = CONTAINERFILE.read_text().rpartition("\nFROM ")[2]
    [user] = re.findall(r"^USER (\d+):(\d+)$", last, re.M)
    assert "0" not in user
    assert last.index("\nUSER ") < last.index("\nENTRYPOINT ")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_the_unit_is_as_systemd_wants_it(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text()
    # Nothing is installed there.
    unit.write_text(text.replace("/opt/keysvc/bin/keysvc", sys.executable))
    verify = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(verify, capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert said == []
    threshold = f"--threshold={_EXPOSED}"
    score = ["systemd-analyze", "security", "--offline=true", threshold, str(unit)]
    done = subprocess.run(score, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


# Whoever runs this owns the interpreter: so its rights are taken away, not its name.
_READ_ONLY = """
set -e
mount --make-rprivate /
mount --bind "$KEYSVC_HOME" "$KEYSVC_HOME"
mount -o remount,bind,ro /
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs bash -ec '
    ! touch /x 2>/dev/null
    keysvc init >/dev/null
    keysvc serve --bind 127.0.0.1:$PORT &
    until said=$(curl -s http://127.0.0.1:$PORT/readyz); do sleep 0.1; done
    echo "$said"
    kill %1
    wait %1
'
"""


def _may_unshare() -> bool:
    command = ["unshare", "-m", "mount", "--make-rprivate", "/"]
    return (
        os.geteuid() == 0
        and shutil.which("unshare") is not None
        and subprocess.run(command, capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not _may_unshare(), reason="needs root, to take its rights away")
def test_it_serves_from_a_read_only_file_system_without_any_rights(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", _READ_ONLY],
        cwd="/",
        env=environment(
            KEYSVC_HOME=state,
            TMPDIR=state,
            PORT=free_port(),
            PYTHONDONTWRITEBYTECODE=1,
        ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["status"] == "ok", done.stderr
    assert {path.name for path in state.iterdir()} >= {"keysvc.db", "secret-keys"}
