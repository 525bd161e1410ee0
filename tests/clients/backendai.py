"""PyPI's backend.ai-client in an environment of its own, and sessions of it."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import NamedTuple
from typing import Self

from tests.clients.environments import environment_with
from tests.service.servers import Pair
from tests.service.servers import Server

RELEASE = "22.3.2"

#: It asks for releases of its time; these are what its session really imports.
_IMPORTS = (
    "aiohttp~=3.8",
    "yarl==1.9.4",
    "aiotusclient~=0.1.4",
    "appdirs",
    "humanize",
    "janus",
    "python-dateutil",
    "tqdm",
)

_CONVERSATION = Path(__file__).with_name("conversation.py")


def environment_with_client(directory: Path) -> Path:
    """Return the python of an environment that has it, or skip with pip's reason."""
    alone = ("--no-deps", f"backend.ai-client=={RELEASE}")
    return environment_with("backend.ai-client", directory, _IMPORTS, alone)


class Reply(NamedTuple):
    """An answer as the client has read it, and the request as it was sent."""

    status: int
    json: Any
    target: str
    headers: Mapping[str, str]


class Signed(NamedTuple):
    """A signed request that was not sent."""

    target: str
    headers: Mapping[str, str]


class Conversation:
    """A session of the client, in a process of its own, with a running service."""

    def __init__(
        self, python: Path, server: Server, pair: Pair, kind: str, **config: str
    ) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BACKEND_", "SORNA_"))
        }
        # -I: nothing of this checkout can be imported there.
        self._process = subprocess.Popen(
            [python, "-I", _CONVERSATION],
            env=kept,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._first = {
            "kind": kind,
            "endpoint": f"http://{server.bind}",
            "access_key": pair[0],
            "secret_key": pair[1],
            **config,
        }
        self.greeting: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self.greeting = self._exchange(self._first)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        try:
            if kind is None:
                # The end of its input: it closes its session, and goes in peace.
                assert self._process.stdin is not None
                self._process.stdin.close()
                assert self._process.wait(30) == 0
        finally:
            self._kill()

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        **params: str,
    ) -> Reply:
        """Send one request, and return what the client makes of the answer."""
        said = self._wish(method, path, body, headers, params, send=True)
        return Reply(
            said["status"],
            said["json"],
            said.get("target", ""),
            said.get("headers", {}),
        )

    def sign(self, method: str, path: str) -> Signed:
        """Have a request signed, and not sent."""
        return Signed(**self._wish(method, path, None, None, {}, send=False))

    def _wish(
        self,
        method: str,
        path: str,
        body: object,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str],
        send: bool,
    ) -> Any:
        return self._exchange(
            {
                "method": method,
                "path": path,
                "body": body,
                "headers": dict(headers or {}),
                "params": params or None,
                "send": send,
            }
        )

    def _exchange(self, line: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        assert said, "The client has ended: its traceback is on stderr."
        return json.loads(said)

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
