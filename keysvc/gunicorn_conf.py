"""
Settings of gunicorn, passed by ``keysvc serve`` with ``-c``.

They lie in the package so that none is read from the working directory.
"""

from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's own log, without the work for access lines that nobody wants."""

    def access(self, *args: Any) -> None:
        """Log a request, where an access log was asked for (``--access-logfile``)."""
        # Where logging is configured, gunicorn puts each line together and drops it.
        if self.cfg.accesslog:
            super().access(*args)


logger_class = QuietLogger
# For whoever asks for an access log: nothing in it that a client can choose.
access_log_format = "%(t)s %(h)s %(s)s %(B)s %(L)s %({x-request-id}o)s"
worker_class = "gthread"
threads = 4
# Longer than the 15 s that aiohttp keeps an idle connection: Backend.AI's client would
# send its next POST on one that is closed already, and fail.
keepalive = 20
timeout = 30
graceful_timeout = 30
max_requests = 0
preload_app = False

# On by default since 25.1: a socket in the home directory, which a container may not
# have, and which two instances of one user would share.
control_socket_disable = True

# No peer may set SCRIPT_NAME, REMOTE_USER or the scheme by a header.
forwarded_allow_ips = ""

# The heartbeat file of a worker must not wait for a disk.
if Path("/dev/shm").is_dir():
    worker_tmp_dir = "/dev/shm"

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "keysvc.logs.JsonFormatter"}},
    "filters": {"without-request": {"()": "keysvc.logs.WithoutRequest"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": "ext://sys.stderr",
        }
    },
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {
            "level": "INFO",
            "handlers": ["stderr"],
            "filters": ["without-request"],
            "propagate": False,
        },
    },
}


def on_starting(server: Any) -> None:
    """Let the workers share their metrics, before there are any."""
    from keysvc.errors import Misconfigured
    from keysvc.metrics import directory

    cfg = server.cfg
    try:
        directory.begin(cfg.worker_tmp_dir, cfg.uid, cfg.gid)
    except (OSError, Misconfigured) as error:
        # Which gunicorn tells without a traceback.
        raise RuntimeError(f"no directory for metrics: {error}") from None


def child_exit(server: Any, worker: Any) -> None:
    """Forget how things were in a worker that has ended, however it did."""
    from keysvc.metrics import directory

    directory.bury(worker.pid)


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    from keysvc.metrics import directory

    directory.end()


def worker_exit(server: Any, worker: Any) -> None:
    """Write what a worker has gathered, before it goes."""
    from keysvc.core.background import finish_all

    finish_all()
