"""The gate alone, as each server runs it."""

import os
import signal
from subprocess import TimeoutExpired

from tests.service.servers import BIN
from tests.service.servers import Server

APPLICATION = "keysvc.gate:application"


class Gunicorn(Server):
    """``gunicorn keysvc.gate:application``."""

    def argv(self) -> list[str]:
        """Return the command that it is started with."""
        options = ["--worker-class", "gthread", "--threads", "4"]
        options += ["--bind", self.bind, "--no-control-socket"]
        return [str(BIN / "gunicorn"), *options, APPLICATION]


class Granian(Server):
    """``granian --interface wsgi keysvc.gate:application``."""

    def argv(self) -> list[str]:
        """Return the command that it is started with."""
        options = ["--interface", "wsgi", "--http", "1", "--port", str(self.port)]
        options += ["--runtime-mode", "mt", "--blocking-threads", "1"]
        return [str(BIN / "granian"), *options, APPLICATION]

    def stop(self) -> int:
        """
        Ask it to stop, and its worker once more if that has not heard it.

        A worker of granian 2.8 misses a signal that comes just before its main thread
        begins to wait, within the first moments; its master would wait for ever.
        """
        self.signal(signal.SIGTERM)
        try:
            return self.wait(5)
        except TimeoutExpired:
            os.killpg(self.pid, signal.SIGTERM)
            return self.wait()
