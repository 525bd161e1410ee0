"""The gate alone, as each server runs it."""

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
        options = ["--interface", "wsgi", "--port", str(self.port)]
        options += ["--blocking-threads", "4"]
        return [str(BIN / "granian"), *options, APPLICATION]
