"""
The directory in which the workers of one server share their metrics.

prometheus-client takes it from ``PROMETHEUS_MULTIPROC_DIR``. If nobody has set that, a
server makes a directory of its own: new at each start, private, removed at its end.
Nothing of prometheus-client may be imported before ``begin``.
"""

import fcntl
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from tempfile import mkdtemp

from keysvc.errors import Misconfigured

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_NAME = "keysvc-metrics-"
_OF_PROCESS = re.compile(r"gauge_live\w*_(\d+)\.db")

#: The directory that this process has made.
_own: list[Path] = []


def begin(parent: str | None, user: int, group: int) -> None:
    """
    Have a directory, before there is any worker.

    Args:
        parent: Where to make one; None for where temporary files lie.
        user, group: As whom the workers will run.

    Raises:
        OSError, Misconfigured: If there cannot be one.
    """
    if told := os.environ.get(VARIABLE):
        # Of an operator's own, other servers may use the rest.
        require()
        _bury_killed(Path(told))
        return
    where = Path(parent or gettempdir())
    _sweep(where)
    # Under its name it is locked from the beginning, so that nobody sweeps it away.
    hidden = Path(mkdtemp(prefix=f".{_NAME}", dir=where))
    if (user, group) != (os.geteuid(), os.getegid()):
        os.chown(hidden, user, group)
    _lock(hidden)
    own = hidden.rename(hidden.with_name(hidden.name.removeprefix(".")))
    _own.append(own)
    os.environ[VARIABLE] = str(own)


def require() -> None:
    """
    Make the directory that is named, if any is and it is not there.

    Raises:
        Misconfigured: If it cannot be made.
    """
    if told := os.environ.get(VARIABLE):
        try:
            Path(told).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            raise Misconfigured(f"{VARIABLE} names no directory.") from None


def bury(pid: int) -> None:
    """Forget how things were in a process that has ended; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    # What is raised in a server's own hook would end the server.
    with suppress(OSError):
        if os.environ.get(VARIABLE):
            mark_process_dead(pid)  # type: ignore[no-untyped-call]


def end() -> None:
    """Remove the directory that ``begin`` has made, if it has."""
    while _own:
        shutil.rmtree(_own.pop(), ignore_errors=True)


def _bury_killed(directory: Path) -> None:
    found = (_OF_PROCESS.fullmatch(file.name) for file in directory.iterdir())
    for pid in {int(match[1]) for match in found if match}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            bury(pid)
        except PermissionError:
            continue


def _sweep(where: Path) -> None:
    """Remove what servers have left that were killed."""
    for left in where.glob(f"{_NAME}*"):
        # Whose server lives is locked.
        with suppress(OSError):
            file = _lock(left)
            shutil.rmtree(left, ignore_errors=True)
            os.close(file)


def _lock(directory: Path) -> int:
    """
    Lock a directory until this process and its children have ended, however they do.

    Raises:
        OSError: If another one has locked it, or it is none.
    """
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file
