"""A wire that can be watched, and cut."""

import socket
import threading
from contextlib import suppress
from typing import Self


class Relay:
    """Passes bytes on to a port, and keeps those that went there."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._live: list[socket.socket] = []
        self.connections, self.sent = 0, b""
        self._accept()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.cut()

    def forget(self) -> None:
        """Begin to count anew."""
        self.connections, self.sent = 0, b""

    def cut(self) -> None:
        """Refuse connections from now on, and end those that there are."""
        # A mere close would leave a thread waiting in accept.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._live:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._live = []

    def mend(self) -> None:
        """Accept connections again, on the same port."""
        self._listener = self._listen(self.port)
        self._accept()

    def _listen(self, port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", port), backlog=64)

    def _accept(self) -> None:
        threading.Thread(target=self._run, args=(self._listener,), daemon=True).start()

    def _run(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                self.connections += 1
                far = socket.create_connection(("127.0.0.1", self._target))
                self._live += [near, far]
                for ends in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, there: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if there:
                    self.sent += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
