"""gunicorn with keysvc's own settings, and the databases behind it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CONF = ROOT / "keysvc" / "gunicorn_conf.py"

WORKERS, THREADS = 1, 4

#: Seconds that a slow machine may take for a start or a stop.
_PATIENCE = 30

BARE = "benchmarks.bare:app"
KEYSVC = "keysvc.factory:create_app()"


def gunicorn(application: str, port: int) -> list[str]:
    """Return the command by which gunicorn serves *application*."""
    return [
        *(sys.executable, "-m", "gunicorn", "--config", str(_CONF)),
        *("--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)),
        *("--threads", str(THREADS), application),
    ]


def granian(application: str, port: int) -> list[str]:
    """Return the command by which granian serves *application*."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1"),
        *("--runtime-mode", "mt", "--blocking-threads", "1", "--no-log"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)),
        application,
    ]


@contextmanager
def serving(
    application: str,
    directory: Path,
    settings: Mapping[str, str] | None = None,
    by: Callable[[str, int], list[str]] = gunicorn,
) -> Iterator[int]:
    """Yield the port on which *application* is served, until the block ends."""
    port = _free_port()
    log = directory / f"server-{port}.log"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("KEYSVC_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            by(application, port),
            cwd=ROOT,
            env={**kept, **(settings or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _await(process, port, log)
            yield port
        finally:
            _stop(process)


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of an empty PostgreSQL database that does wait for its disk."""
    # Here, so that SQLite alone needs no driver of the other.
    import psycopg

    from tests import databases

    with databases.server() as server:
        if "KEYSVC_TEST_DATABASE_URL" not in os.environ:
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM RESET fsync")
                connection.execute("SELECT pg_reload_conf()")
        with databases.fresh(server) as url:
            yield url


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"the server does not answer:\n{log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask master and workers to stop, and end those that do not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_PATIENCE)
