"""A wire to PostgreSQL that can be cut, or fall silent."""

import socket
import threading
from contextlib import suppress
from typing import Any
from typing import Self
from urllib.parse import urlencode
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict


class Wire:
    """
    A proxy on a port of this machine; as a context manager it is there at once.

    Args:
        url: Where the database really is.
    """

    def __init__(self, url: str) -> None:
        self._target, self._url = conninfo_to_dict(url), urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._talks: list[_Talk] = []
        self.is_dumb = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def url(self, **parameters: object) -> str:
        """Return the address of the database by way of this wire."""
        user = self._target.get("user", "postgres")
        rest = f"?{urlencode(parameters)}" if parameters else ""
        return f"postgresql://{user}@127.0.0.1:{self.port}{self._url.path}{rest}"

    def cut(self, only_with: bytes = b"") -> int:
        """End every conversation in which these bytes were said; return how many."""
        return self._each(only_with, _Talk.end)

    def silence(self, only_with: bytes = b"") -> int:
        """Go on listening in those conversations, and pass nothing on any more."""
        return self._each(only_with, _Talk.fall_silent)

    def _each(self, only_with: bytes, do: Any) -> int:
        talks = [t for t in self._talks if only_with in t.said and not t.is_over]
        for talk in talks:
            do(talk)
        return len(talks)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._talks.append(_Talk(client, self._connect(), self.is_dumb))

    def _connect(self) -> socket.socket:
        host = str(self._target.get("host", "127.0.0.1"))
        port = int(self._target.get("port", 5432) or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server


class _Talk:
    """One conversation: two threads that pass on what the sides say."""

    def __init__(
        self, client: socket.socket, server: socket.socket, silent: bool
    ) -> None:
        self._sides, self._silent = (client, server), silent
        self.said, self.is_over = b"", False
        for here, there in ((client, server), (server, client)):
            threading.Thread(target=self._pass, args=(here, there), daemon=True).start()

    def end(self) -> None:
        self.is_over = True
        for side in self._sides:
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def fall_silent(self) -> None:
        self._silent = True

    def _pass(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while said := here.recv(65536):
                self.said += said
                if not self._silent:
                    there.sendall(said)
        self.end()
        here.close()
