"""Another release takes over behind nginx, over one database: nobody is refused."""

import shutil
import subprocess
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.client import HTTPException
from io import BytesIO
from pathlib import Path

import pytest

from tests.proxies.stages import AROUND
from tests.service.servers import environment
from tests.service.servers import eventually
from tests.service.servers import free_port
from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import REVOCATION
from tests.service.servers import run
from tests.service.servers import Server
from tests.soak.line import basic

ROOT = Path(__file__).parents[2]

#: The release before this one: what stood when hosts could mount keysvc.
BEFORE = "9a8a3d12deba47284935249e5f0df02cee8641b4"

_BEFORE = """
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://127.0.0.1:{upstream};
        proxy_set_header Host $http_host;
    }}
}}
"""


class Nginx:
    """nginx before one server, and then before another."""

    def __init__(self, directory: Path) -> None:
        self.port, self._directory = free_port(), directory
        self._conf = directory / "nginx.conf"

    @contextmanager
    def before(self, upstream: int) -> Iterator[None]:
        self._write(upstream)
        where = ["-p", str(self._directory), "-c", str(self._conf), "-e", "stderr"]
        process = subprocess.Popen(["nginx", *where, "-g", "user root;"])
        try:
            eventually(lambda: _answers(self.port))
            yield
        finally:
            process.terminate()
            process.wait(30)

    def turn_to(self, upstream: int) -> None:
        self._write(upstream)
        pid = (self._directory / "nginx.pid").read_text().strip()
        subprocess.run(["kill", "-HUP", pid], check=True)

    def _write(self, upstream: int) -> None:
        server = _BEFORE.format(port=self.port, upstream=upstream)
        self._conf.write_text(AROUND.format(shown=server))


class Crowd:
    """Threads that verify and create through nginx, each on new connections."""

    def __init__(self, port: int, admin: Pair) -> None:
        self.statuses: Counter[int | str] = Counter()
        self._port, self._headers = port, {"Authorization": basic(admin)}
        self._over, self._lock = threading.Event(), threading.Lock()
        self._threads = [
            threading.Thread(target=self._ask, args=asked)
            for asked in 3 * [("GET", "/v1/auth")]
            + [("POST", "/v2/admin/keypairs/crowd/create")]
        ]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop, and wait until all of them have."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, method: str, path: str) -> None:
        while not self._over.is_set():
            status: int | str
            try:
                status = _asked(self._port, method, path, self._headers)
            except (OSError, HTTPException) as error:
                status = repr(error)
            with self._lock:
                self.statuses[status] += 1
            # There is a service to be started meanwhile.
            time.sleep(0.01)


def _asked(port: int, method: str, path: str, headers: dict[str, str]) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def _answers(port: int) -> bool:
    try:
        return _asked(port, "GET", "/healthz", {}) == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the release before this one, as it was checked in."""
    directory = tmp_path_factory.mktemp("before")
    archive = ["git", "archive", "--format=tar", BEFORE]
    done = subprocess.run(archive, cwd=ROOT, capture_output=True)
    assert done.returncode == 0, f"needs the whole history: {done.stderr.decode()}"
    with tarfile.open(fileobj=BytesIO(done.stdout)) as tar:
        tar.extractall(directory, filter="data")
    return directory


def good(server: Server, pair: Pair) -> int:
    return server.ask("GET", "/v1/auth", pair).status


def create(server: Server, admin: Pair) -> Pair:
    made = server.ask("POST", "/v2/admin/keypairs/alice/create", admin)
    return made.json["accessKey"], made.json["secretKey"]


def switch_off(server: Server, admin: Pair, pair: Pair) -> int:
    path = f"/v2/admin/keypairs/alice/{pair[0]}"
    return server.ask("PATCH", path, admin, {"props": {"isActive": False}}).status


@pytest.mark.skipif(not shutil.which("nginx"), reason="needs nginx-light")
def test_another_release_takes_over_and_nobody_is_refused(
    before: Path, empty_url: str, tmp_path: Path
) -> None:
    settings = {"KEYSVC_DATABASE_URL": empty_url}
    theirs = {**settings, "PYTHONPATH": before}
    old = Server(tmp_path, logs=tmp_path / "old.log", **theirs)
    new = Server(tmp_path, logs=tmp_path / "new.log", **settings)
    nginx = Nginx(tmp_path)
    with old:
        admin = new_admin(tmp_path, **theirs)
        kept, doomed = create(old, admin), create(old, admin)
        assert run("stale", directory=tmp_path, **theirs).returncode == 2, "is older"
        with nginx.before(old.port), Crowd(nginx.port, admin) as crowd:
            assert "0006" in run("migrate", directory=tmp_path, **settings).stderr
            with new:
                # Side by side: what one does is so for the other.
                assert [good(s, p) for s in (old, new) for p in (kept, doomed)] == [
                    *[204] * 4
                ]
                young = create(new, admin)
                assert good(old, young) == 204
                assert switch_off(old, admin, doomed) == 204
                assert switch_off(new, admin, young) == 204
                time.sleep(REVOCATION)
                pairs = (doomed, young)
                assert [good(s, p) for s in (old, new) for p in pairs] == [401] * 4

                nginx.turn_to(new.port)
                time.sleep(REVOCATION)
                assert old.stop() == 0
                time.sleep(REVOCATION)
                assert good(new, kept) == 204
                # Before the new release stops, too.
                crowd.end()
    assert set(crowd.statuses) <= {200, 204}, crowd.statuses
    assert crowd.statuses[200] > 10 and crowd.statuses[204] > 10
    audit = run("audit", "verify", directory=tmp_path, **settings)
    assert audit.returncode == 0, audit.stderr


def test_the_environment_of_the_release_before_is_its_own(before: Path) -> None:
    """Or the test above would run one release twice."""
    command = ["python", "-c", "import keysvc; print(keysvc.__file__)"]
    env = environment(PYTHONPATH=before)
    done = subprocess.run(command, cwd="/", env=env, capture_output=True, text=True)
    assert done.stdout.strip() == str(before / "keysvc" / "__init__.py")
