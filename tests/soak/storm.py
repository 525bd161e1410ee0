"""What befalls the workers meanwhile: kills, reloads; and how large they are."""

import os
import random
import signal
import threading
import time
from pathlib import Path

from tests.service.servers import Server

#: Seconds between two kills, and between two reloads.
_KILL, _RELOAD = 10.0, 25.0

#: Seconds after which a worker has the size that it is held to.
_GROWN = 60.0


class Storm(threading.Thread):
    """
    Kill a worker every so often, and at first reload all of them, too.

    One worker is spared after the last reload: its size is what is measured.

    Args:
        seconds: How long all of it takes; reloads end after a third.
    """

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__(name="storm", daemon=True)
        self._server, self._seconds = server, seconds
        self._random, self._over = random.Random(0), threading.Event()
        self.kills = self.reloads = 0
        self.grown = self.final = 0.0

    def run(self) -> None:
        begun = time.monotonic()
        while time.monotonic() - begun < self._seconds / 3:
            self._reload()
            if self._over.wait(_RELOAD):
                return
        spared, since = self._newest(), time.monotonic()
        while not self._over.wait(_KILL):
            self._kill_one(spared)
            if not self.grown and time.monotonic() - since > _GROWN:
                self.grown = size_of(spared)
            self.final = size_of(spared)

    def end(self) -> None:
        """Let the weather calm down."""
        self._over.set()
        self.join()

    def _reload(self) -> None:
        self._server.signal(signal.SIGHUP)
        self.reloads += 1

    def _newest(self) -> int:
        return max(workers_of(self._server.pid))

    def _kill_one(self, spared: int) -> None:
        others = workers_of(self._server.pid) - {spared}
        if others:
            os.kill(self._random.choice(sorted(others)), signal.SIGKILL)
            self.kills += 1


def workers_of(master: int) -> set[int]:
    """Return the process ids of a master's children."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text()
    return {int(pid) for pid in children.split()}


def size_of(pid: int) -> float:
    """Return the resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
