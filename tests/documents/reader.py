"""Somebody who reads docs/estate.md, and does what it says."""

import re
import socket
from pathlib import Path

from tests.documents.reading import Block
from tests.documents.reading import Step
from tests.documents.shell import Shell
from tests.service.servers import eventually
from tests.service.servers import free_port

#: The ports of the document: what ``flask run`` listens on, and another one.
_PORTS = ("5000", "5001")

_SERVES = re.compile(r"\bflask --app \w+ run\b")


class Reader:
    """
    Keeps the files of the document in *directory*, and its servers, one to a port.

    A Python block begins with the name of its file; the second one of a name goes on
    where the first has ended.
    """

    def __init__(self, shell: Shell, directory: Path) -> None:
        self._shell, self._directory = shell, directory
        self._ports = {said: str(free_port()) for said in _PORTS}
        self._serving: dict[str, str] = {}

    def write(self, block: Block) -> None:
        """Put a Python block where its first line says."""
        with (self._directory / block.file).open("a") as file:
            file.write(f"{block.text}\n\n")

    def do(self, step: Step) -> str:
        """Return what comes of *step*, in the ports of the document."""
        if _SERVES.search(step.command):
            self._serve(step.command)
            return ""
        return self._said(self._shell.run(self._real(step.command)))

    def stop(self) -> None:
        """Stop every server."""
        for port in [*self._serving]:
            self._stop(port)

    def _serve(self, command: str) -> None:
        command, _, port = command.partition(" --port ")
        port = port or "5000"
        self._stop(port)
        real = self._ports[port]
        # The other database of this test is none of the document's settings.
        command = command.replace("KEYSVC_URL=", "KEYSVC_DATABASE_URL= KEYSVC_URL=")
        log = f"served-{port}.log"
        self._shell.run(f"{self._real(command)} --port {real} >{log} 2>&1 &")
        self._serving[port] = self._shell.run("echo $!").strip()
        eventually(lambda: _listens(int(real)) or self._has_ended(port, log))

    def _stop(self, port: str) -> None:
        if pid := self._serving.pop(port, ""):
            self._shell.run(f"kill {pid}; wait {pid} 2>/dev/null")

    def _has_ended(self, port: str, log: str) -> bool:
        ended = self._shell.run(f"kill -0 {self._serving[port]} 2>&1").strip()
        assert not ended, (self._directory / log).read_text()
        return False

    def _real(self, text: str) -> str:
        for said, real in self._ports.items():
            text = text.replace(f"127.0.0.1:{said}", f"127.0.0.1:{real}")
        return text

    def _said(self, text: str) -> str:
        for said, real in self._ports.items():
            text = text.replace(f"127.0.0.1:{real}", f"127.0.0.1:{said}")
        return text


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
