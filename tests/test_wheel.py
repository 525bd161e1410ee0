"""
What holds for the installed wheel: it brings the package keysvc, and nothing else.

Run from an empty directory by ``.ci/run``; so nothing of the checkout is imported.
"""

import importlib
import json
import os
import re
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

import pytest

import keysvc

pytestmark = pytest.mark.wheel

PACKAGE = Path(keysvc.__file__).parent
BIN = Path(sys.executable).parent

_HOST = {
    "app.py": """
from flask import Flask
from keysvc import KeyService
from schemas import MINE

app = Flask("host")

@app.get("/mine")
def mine():
    return {"mine": MINE}

KeyService(app, url_prefix="/keys")
""",
    "schemas/__init__.py": 'MINE = "of the host"\n',
    "schemas/keypairs.py": 'MINE = "of the host too"\n',
    "wsgi.py": "from app import app\n",
    "tests/__init__.py": "",
    "tests/test_host.py": """
import pytest
from flask import Flask
from keysvc import KeyService
from keysvc.guard import require_key
from keysvc.testing import client_with_key
from keysvc.testing import key_store
from schemas import MINE

@pytest.fixture
def app():
    with key_store() as settings:
        app = Flask("host")
        app.config.update(settings)
        KeyService(app, url_prefix="/keys")
        app.get("/mine")(require_key(scopes=["mine:read"])(lambda: MINE))
        yield app

def test_mine(app):
    assert app.test_client().get("/mine").status_code == 401
    client = client_with_key(app, scopes=["mine:read"])
    assert client.get("/mine").text == "of the host"
""",
}

_ASK = """
import app, schemas, schemas.keypairs, keysvc.schemas.keypairs, wsgi

client = app.app.test_client()
assert client.get("/mine").json == {"mine": "of the host"}
assert schemas.keypairs.MINE == "of the host too"
assert keysvc.schemas.keypairs is not schemas.keypairs
assert client.get("/keys/healthz").json == {"status": "ok"}
refused = client.open("/keys/v2/admin/keypairs/u1", method="REPORT")
assert refused.status_code == 401, refused.text
assert client.get("/healthz").status_code == 404
print(app.__file__, schemas.__file__, wsgi.__file__)
"""


def _run(
    *command: str, directory: Path, **settings: str
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("KEYSVC_")}
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        command,
        cwd=directory,
        env=kept | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Return the directory of a host with modules of the same names as ours."""
    for name, content in _HOST.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return tmp_path


def test_it_is_installed_from_a_wheel() -> None:
    assert "site-packages" in PACKAGE.parts


def test_every_file_is_below_the_package() -> None:
    installed = files("keysvc")
    assert installed
    tops = {path.parts[0] for path in installed if path.parts[0] != ".."}
    outside = [path for path in installed if path.parts[0] == ".."]

    assert {re.sub(r"-.*\.dist-info", "-dist-info", top) for top in tops} == {
        "keysvc",
        "keysvc-dist-info",
    }
    assert {path.name.removesuffix(".exe") for path in outside} == {"keysvc"}


def test_the_wire_formats_are_inside() -> None:
    module = importlib.import_module("keysvc.schemas.keypairs")

    assert module.__file__ is not None
    assert Path(module.__file__).parent == PACKAGE / "schemas"
    assert not (PACKAGE / "schemas").is_symlink()


@pytest.mark.parametrize("name", ["app", "wsgi", "schemas", "tests"])
def test_no_name_of_a_host_is_taken(name: str, tmp_path: Path) -> None:
    code = f"import importlib.util; print(importlib.util.find_spec({name!r}))"

    assert _run(sys.executable, "-c", code, directory=tmp_path).stdout == "None\n"


@pytest.mark.parametrize(
    "path", ["gunicorn_conf.py", "py.typed", "store/migrations/0001_house.py"]
)
def test_what_is_no_import_of_anybody_is_there(path: str) -> None:
    assert (PACKAGE / path).is_file()


def test_no_test_and_no_bytecode_of_ours_is_in_it() -> None:
    names = {path.name for path in files("keysvc") or ()}

    assert not [name for name in names if name.startswith(("test_", "conftest"))]


def test_init_runs(tmp_path: Path) -> None:
    done = _run(str(BIN / "keysvc"), "init", "--json", directory=tmp_path)

    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"accessKey", "secretKey"}
    assert {p.name for p in tmp_path.iterdir()} == {"instance"}


def test_without_the_driver_of_postgresql_init_says_so(tmp_path: Path) -> None:
    """The wheel alone brings no extra."""
    url = {"KEYSVC_DATABASE_URL": "postgresql://127.0.0.1:1/name"}
    done = _run(str(BIN / "keysvc"), "init", directory=tmp_path, **url)

    assert done.returncode == 1
    assert "keysvc[postgres]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_stays_untouched_and_mounts_it(host: Path) -> None:
    home = {"KEYSVC_HOME": str(host / "home")}
    made = _run(
        *(str(BIN / "flask"), "--app", "app", "keysvc", "init"),
        directory=host,
        **home,
    )
    assert made.returncode == 0, made.stderr

    asked = _run(sys.executable, "-c", _ASK, directory=host, **home)

    assert asked.returncode == 0, asked.stderr
    assert [Path(word).parent for word in asked.stdout.split()] == [
        host,
        host / "schemas",
        host,
    ]
    assert {name: (host / name).read_text() for name in _HOST} == _HOST
    assert {p.name for p in host.iterdir()} == {
        *(name.partition("/")[0] for name in _HOST),
        "home",
    }


def test_a_host_runs_tests_of_its_own(host: Path) -> None:
    done = _run(
        *(sys.executable, "-m", "pytest", "-q", "-W", "error"),
        *("-p", "no:cacheprovider"),
        directory=host,
    )

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert {p.name for p in host.iterdir()} == {
        name.partition("/")[0] for name in _HOST
    }
