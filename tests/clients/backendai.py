"""PyPI's backend.ai-client in an environment of its own, and sessions of it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import NamedTuple

from tests.clients.environments import environment_with
from tests.clients.talk import Talk
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


class Conversation(Talk):
    """A session of the client, in a process of its own, with a running service."""

    def __init__(
        self, python: Path, server: Server, pair: Pair, kind: str, **config: str
    ) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BACKEND_", "SORNA_"))
        }
        first = {
            "kind": kind,
            "endpoint": f"http://{server.bind}",
            "access_key": pair[0],
            "secret_key": pair[1],
            **config,
        }
        super().__init__(python, _CONVERSATION, first, kept)

    def __exit__(self, *exc: object) -> None:
        try:
            if exc[0] is None:
                # The end of its input: it closes its session, and goes in peace.
                assert self.process.stdin is not None
                self.process.stdin.close()
                assert self.process.wait(30) == 0
        finally:
            self.kill()

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
        return self.exchange(
            {
                "method": method,
                "path": path,
                "body": body,
                "headers": dict(headers or {}),
                "params": params or None,
                "send": send,
            }
        )
