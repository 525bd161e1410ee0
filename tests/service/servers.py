"""A real ``keysvc serve`` on a free port, and somebody who asks it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from typing import NamedTuple
from typing import Self

BIN = Path(sys.executable).parent
#: Seconds after which no worker accepts what was revoked: what the service promises.
REVOCATION = 1.0

KEYSVC = str(BIN / "keysvc")

Pair = tuple[str, str]

#: Seconds that a slow machine may take for a start or a stop.
_PATIENCE = 30


class Answer(NamedTuple):
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def environment(**settings: object) -> dict[str, str]:
    """Return the variables of this process, with no other ``KEYSVC_*`` than these."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("KEYSVC_")}
    path = f"{BIN}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"PATH": path} | {k: str(v) for k, v in settings.items()}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(
    *arguments: str, directory: Path, **settings: object
) -> subprocess.CompletedProcess[str]:
    """Run ``keysvc`` with *arguments* in *directory*."""
    return subprocess.run(
        [KEYSVC, *arguments],
        cwd=directory,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def new_admin(directory: Path, **settings: object) -> Pair:
    """Return the keypair of a new administrator."""
    done = run("init", "--new-admin", "--json", directory=directory, **settings)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    return made["accessKey"], made["secretKey"]


class Server:
    """
    ``keysvc serve`` in *directory*, in a process group of its own.

    As a context manager it is started, waited for, and stopped whatever happens.
    """

    command: tuple[str, ...] = (KEYSVC,)

    def __init__(
        self, directory: Path, *arguments: str, logs: Path, **settings: object
    ) -> None:
        self.port = free_port()
        self.bind = f"127.0.0.1:{self.port}"
        self.directory, self.settings = directory, settings
        self._arguments, self._logs = arguments, logs
        self._process: subprocess.Popen[bytes] | None = None
        self.seconds_to_answer = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Return the id of gunicorn's master."""
        assert self._process is not None
        return self._process.pid

    def argv(self) -> list[str]:
        """Return the command that it is started with."""
        return [*self.command, "serve", "--bind", self.bind, *self._arguments]

    def start(self) -> None:
        """Start it, and wait for its first answer."""
        begun = time.monotonic()
        with self._logs.open("ab") as logs:
            self._process = subprocess.Popen(
                self.argv(),
                cwd=self.directory,
                env=environment(**self.settings),
                stdin=subprocess.DEVNULL,
                stdout=logs,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_answer(begun)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> int:
        """Ask it to stop (SIGTERM), and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds: float = _PATIENCE) -> int:
        """Return its exit code, when it has ended."""
        assert self._process is not None
        return self._process.wait(seconds)

    def kill(self) -> None:
        """Kill master and workers at one blow."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the master."""
        os.kill(self.pid, number)

    def workers(self) -> set[int]:
        """Return the ids of the workers that have booted, from the log."""
        said = [line["message"] for line in self.lines()]
        prefix = "Booting worker with pid: "
        return {int(m.removeprefix(prefix)) for m in said if m.startswith(prefix)}

    def ask(
        self,
        method: str,
        path: str,
        pair: Pair | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, with a connection of its own."""
        sent = dict(headers or {})
        if pair is not None:
            sent["Authorization"] = (
                f"Basic {b64encode(':'.join(pair).encode()).decode()}"
            )
        content = body if isinstance(body, bytes) else None
        if body is not None and content is None:
            content = json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(response.status, dict(response.headers), text)
        finally:
            connection.close()

    def said(self) -> str:
        """Return all that it has written, to whatever stream."""
        return self._logs.read_text() if self._logs.exists() else ""

    def lines(self) -> list[dict[str, Any]]:
        """Return its log: every line that is JSON."""
        lines = self.said().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def _await_answer(self, begun: float) -> None:
        assert self._process is not None
        while time.monotonic() - begun < _PATIENCE:
            assert self._process.poll() is None, self.said()
            try:
                if self.ask("GET", "/healthz").status == 200:
                    self.seconds_to_answer = time.monotonic() - begun
                    return
            except OSError:
                time.sleep(0.01)
        raise AssertionError(f"No answer in {_PATIENCE} s: {self.said()}")


def eventually(holds: Any, seconds: float = 15) -> None:
    """Wait until ``holds()`` is true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "It never came."
        time.sleep(0.05)
