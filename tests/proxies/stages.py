"""The examples as they stand: a proxy, the application behind it, keysvc beside it."""

import json
import os
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from datetime import UTC
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.api.signer import Signer
from tests.gate.servers import Granian
from tests.proxies.relay import Relay
from tests.service.servers import Answer
from tests.service.servers import BIN
from tests.service.servers import environment
from tests.service.servers import free_port
from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import Server

EXAMPLES = Path(__file__).parents[2] / "examples"

#: Where the examples have keysvc, the application, and what the outside reaches.
PORTS = ("8000", "5000", "8080")

#: The name by which the outside knows the application.
HOST = "api.example.org"

#: What stands around the servers of nginx, which begins in a directory of its own.
AROUND = """
daemon off;
pid nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path client-body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {shown}
}}
"""

_PATIENCE = 30

Start = Callable[[Path, tuple[int, int, int]], subprocess.Popen[bytes]]


@dataclass
class Stage:
    """All that stands, and somebody who asks it."""

    admin: Pair
    control: Server
    wire: Relay
    port: int

    def ask(
        self,
        method: str = "GET",
        target: str = "/",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        source: str = "127.0.0.1",
    ) -> Answer:
        """Ask the proxy, from the address *source*."""
        connection = HTTPConnection(
            "127.0.0.1", self.port, _PATIENCE, source_address=(source, 0)
        )
        try:
            connection.request(method, target, body, {"Host": HOST, **(headers or {})})
            response = connection.getresponse()
            text = response.read().decode()
            # Each proxy has a spelling of its own.
            told = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, told, text)
        finally:
            connection.close()

    def issue(self, user: str = "alice", **props: Any) -> Pair:
        """Return a new keypair of *user*."""
        path = f"/v2/admin/keypairs/{user}/create"
        made = self.control.ask("POST", path, self.admin, {"props": props})
        assert made.status == 200, made.text
        return made.json["accessKey"], made.json["secretKey"]

    def issue_key(self, name: str, **body: Any) -> tuple[str, str]:
        """Return a new API key of a new service account, and the path of the key."""
        account = self._post("/api/v1/service_accounts", {"name": name, "active": True})
        keys = f"/api/v1/service_accounts/{account['id']}/api_keys"
        made = self._post(keys, {"name": "runner", **body})
        return made["body"]["key"], f"{keys}/{made['id']}"

    def _post(self, path: str, body: Any) -> Any:
        made = self.control.ask("POST", path, self.admin, body)
        assert made.status == 200, made.text
        return made.json


def basic(pair: Pair) -> dict[str, str]:
    """Return the header of a keypair."""
    return {"Authorization": f"Basic {b64encode(':'.join(pair).encode()).decode()}"}


def signer_of(pair: Pair) -> Signer:
    """Return somebody who signs for the public name."""
    now = datetime.now(UTC).isoformat()
    return Signer(access_key=pair[0], secret_key=pair[1], date=now, host=HOST)


def nginx(configuration: Path) -> Start:
    """Return what starts nginx with a configuration and what lies beside it."""

    def start(directory: Path, ports: tuple[int, int, int]) -> subprocess.Popen[bytes]:
        _need("nginx")
        shutil.copytree(configuration.parent, directory / "conf")
        conf = directory / "conf" / configuration.name
        conf.write_text(_moved(conf.read_text(), ports))
        command = ["nginx", "-p", str(directory), "-c", str(conf), "-e", "stderr"]
        if os.geteuid() == 0:
            # Its workers must be let into the directory of the test.
            command += ["-g", "user root;"]
        return _started(command, directory)

    return start


def caddy(directory: Path, ports: tuple[int, int, int]) -> subprocess.Popen[bytes]:
    """Start Caddy."""
    _need("caddy")
    conf = directory / "Caddyfile"
    conf.write_text(_moved((EXAMPLES / "caddy" / "Caddyfile").read_text(), ports))
    command = ["caddy", "run", "--config", str(conf), "--adapter", "caddyfile"]
    return _started(command, directory)


@dataclass
class Kind:
    """How a stage is set up: its proxy, the family that this tells, whom it asks."""

    start: Start
    family: str
    granian: bool = False


STAGES = {
    "nginx": Kind(nginx(EXAMPLES / "nginx" / "nginx.conf"), "x-original"),
    "caddy": Kind(caddy, "x-forwarded"),
    "caddy-granian": Kind(caddy, "x-forwarded", granian=True),
}


@contextmanager
def standing(kind: Kind, directory: Path) -> Iterator[Stage]:
    """Have it all stand, and fall in the end."""
    settings = {
        "KEYSVC_HOME": str(directory / "instance"),
        "KEYSVC_FORWARDED": kind.family,
        # Not all of 127.0.0.0/8: clients of the tests have other addresses of it.
        "KEYSVC_TRUSTED_PROXIES": "127.0.0.1",
    }
    with ExitStack() as stack:
        control = Server(directory, logs=directory / "keysvc.log", **settings)
        gate = stack.enter_context(control)
        if kind.granian:
            alone = Granian(directory, logs=directory / "granian.log", **settings)
            gate = stack.enter_context(alone)
        wire = stack.enter_context(Relay(gate.port))
        application = free_port()
        upstream = ["flask", "--app", str(EXAMPLES / "upstream.py"), "run"]
        upstream = [str(BIN / upstream[0]), *upstream[1:], "--port", str(application)]
        stack.enter_context(_process(_started(upstream, directory)))
        _await(application)
        port = free_port()
        scratch = directory / "proxy"
        scratch.mkdir()
        proxy = kind.start(scratch, (wire.port, application, port))
        stack.enter_context(_process(proxy))
        _await(port)
        yield Stage(new_admin(directory, **settings), control, wire, port)


def _moved(text: str, ports: tuple[int, int, int]) -> str:
    """Return a configuration with other ports than the example's."""
    for given, port in zip(PORTS, ports, strict=True):
        assert f":{given}" in text, f"The example has nothing at {given}."
        text = text.replace(f":{given}", f":{port}")
    return text


def _need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install {_PACKAGES[program]}")


_PACKAGES = {"nginx": "nginx-light", "caddy": "caddy"}


def _started(command: list[str], directory: Path) -> subprocess.Popen[bytes]:
    # Caddy writes its configuration down there, whatever it is told.
    home = directory / "home"
    home.mkdir(exist_ok=True)
    with (directory / f"{Path(command[0]).name}.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=directory,
            env=environment(HOME=home, CADDY_STORAGE=home),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


@contextmanager
def _process(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _await(port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        try:
            connection.request("GET", "/")
            connection.getresponse()
            return
        except OSError:
            assert time.monotonic() < end, f"Nobody answers at {port}."
            time.sleep(0.05)
        finally:
            connection.close()


def echoed(answer: Answer) -> Any:
    """Return what the application says that has arrived."""
    assert answer.status == 200, (answer.status, answer.text)
    return json.loads(answer.text)
