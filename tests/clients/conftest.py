"""Services on which other people's clients are let loose."""

import subprocess
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests import databases
from tests.clients.environments import shared_directory
from tests.clients.zenml_house import environment_with_zenml
from tests.clients.zenml_house import Home
from tests.clients.zenml_house import Zenml
from tests.service.servers import environment
from tests.service.servers import KEYSVC
from tests.service.servers import Server

OPERATOR = "zoë"
PASSWORD = "a dozen characters, and 홍 길동"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Return a service on each engine, with two workers."""
    directory = tmp_path_factory.mktemp(f"clients-{request.param}")
    with ExitStack() as stack:
        settings = {}
        if request.param == "postgres":
            fresh = databases.fresh(request.getfixturevalue("postgres"))
            settings["KEYSVC_DATABASE_URL"] = stack.enter_context(fresh)
        made = Server(directory, "--workers", "2", logs=directory / "log", **settings)
        yield stack.enter_context(made)


@pytest.fixture
def url(server: Server) -> str:
    """Return where the service is."""
    return f"http://{server.bind}"


@pytest.fixture(scope="session")
def zenml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zenml]:
    """Return ZenML's client, installed once for all processes of this session."""
    shared = shared_directory(tmp_path_factory, "zenml-client")
    with Zenml(environment_with_zenml(shared)) as zenml:
        yield zenml


@pytest.fixture
def home(zenml: Zenml, url: str, tmp_path: Path) -> Callable[..., Home]:
    """Return a function that makes homes: ``home(API_KEY=...)``, or one of nobody."""
    numbers = count()

    def home(**credentials: str) -> Home:
        given = credentials and {"URL": url, **credentials}
        told = {f"ZENML_STORE_{name}": value for name, value in given.items()}
        return Home(zenml, tmp_path / f"home-{next(numbers)}", **told)

    return home


@pytest.fixture(scope="module")
def password(server: Server) -> str:
    """Return the password of an operator of the service, who may do everything."""
    added = subprocess.run(
        [KEYSVC, "operators", "add", OPERATOR, "--scopes", "*", "--password-stdin"],
        cwd=server.directory,
        env=environment(**server.settings),
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert added.returncode == 0, added.stderr
    return PASSWORD


@pytest.fixture
def operator(home: Callable[..., Home], password: str) -> Home:
    """Return the home of the operator."""
    return home(USERNAME=OPERATOR, PASSWORD=password)
