"""PyPI's supysonic, a music server, in processes and an environment of its own."""

import json
import shutil
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pytest

from tests.clients.environments import environment_with
from tests.clients.environments import shared_directory
from tests.clients.talk import Talk
from tests.service.servers import environment

RELEASE = "0.7.9"

ROOT = Path(__file__).parents[2]
_ANSWERS = Path(__file__).with_name("supysonic_answers.py")

#: What keysvc is built of.
_SOURCES = ("keysvc", "schemas", "pyproject.toml", "setup.cfg", "README.md", "LICENSE")

_VARYING = {"Date", "Set-Cookie"}

Request = dict[str, Any]


class Answer(NamedTuple):
    """What was answered, but for the date and the cookies."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Supysonic(Talk):
    """
    The application in *home*.

    Args:
        told: Whether ``keysvc`` is mounted, and which endpoints are ``guarded``.
    """

    def __init__(self, python: Path, home: Path, **told: Any) -> None:
        first = {"home": str(home), "keysvc": False, "guarded": [], **told}
        super().__init__(python, _ANSWERS, first, environment())
        self.home = home

    def visit(self, requests: list[Request]) -> list[Answer]:
        """Return what one visitor is answered."""
        return [
            Answer(status, _comparable(headers), text)
            for status, headers, text in self.exchange(requests)
        ]

    def ask(self, path: str, **request: Any) -> Answer:
        """Return the answer to one request."""
        [answer] = self.visit([{"path": path, **request}])
        return answer

    def administer(self, path: str, **body: Any) -> Any:
        """Let keysvc's administrator post *body*, and return what he is answered."""
        headers = basic(*self.greeting["admin"].values())
        answer = self.ask(f"/keys{path}", method="POST", headers=headers, json=body)
        assert answer.status == 200, answer
        return answer.json


class House(NamedTuple):
    """The application alone, with keysvc in it, and with a view that asks for a key."""

    alone: Supysonic
    mounted: Supysonic
    guarded: Supysonic


@contextmanager
def opened(python: Path, directory: Path) -> Iterator[House]:
    """Start the three on the same data, each in its own home in *directory*."""
    with ExitStack() as stack:

        def start(name: str, **told: Any) -> Supysonic:
            return stack.enter_context(Supysonic(python, directory / name, **told))

        alone = start("alone")
        for name in ("mounted", "guarded"):
            shutil.copytree(alone.home, directory / name)
        mounted = start("mounted", keysvc=True)
        guarded = start("guarded", keysvc=True, guarded=["api.ping"])
        yield House(alone, mounted, guarded)


def python_with_supysonic(factory: pytest.TempPathFactory) -> Path:
    """Return the python that has supysonic, and the keysvc of this checkout."""
    # A copy, since a build leaves files behind.
    source = factory.mktemp("keysvc-source")
    for name in _SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, symlinks=True)
        else:
            shutil.copy(path, source)
    what = [f"supysonic=={RELEASE}", str(source)]
    return environment_with("supysonic", shared_directory(factory, "supysonic"), what)


def basic(name: str, password: str) -> dict[str, str]:
    """Return the header of somebody with a password, or with a keypair."""
    pair = b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _comparable(headers: list[list[str]]) -> dict[str, str]:
    """Return what must be the same at any time and in any process."""
    kept = {name: value for name, value in headers if name not in _VARYING}
    if "Allow" in kept:
        # Its order is that of a set of strings.
        kept["Allow"] = ", ".join(sorted(kept["Allow"].split(", ")))
    return kept
