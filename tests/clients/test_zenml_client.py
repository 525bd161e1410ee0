"""PyPI's zenml, unmodified, finds in keysvc the service accounts it was made for."""

import subprocess
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from itertools import count
from pathlib import Path
from time import monotonic
from time import sleep
from typing import Any
from uuid import UUID

import pytest

from tests import databases
from tests.clients.environments import shared_directory
from tests.clients.zenml_house import environment_with_zenml
from tests.clients.zenml_house import Home
from tests.clients.zenml_house import Raised
from tests.clients.zenml_house import RELEASE
from tests.clients.zenml_house import Zenml
from tests.service.servers import environment
from tests.service.servers import KEYSVC
from tests.service.servers import Server

pytestmark = pytest.mark.clients

OPERATOR = "zoë"
PASSWORD = "a dozen characters, and 홍 길동"

ACCOUNT = ("service-account",)
CREDENTIALS = "CredentialsNotValid"

MakeHome = Callable[..., Home]


@pytest.fixture(scope="session")
def zenml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zenml]:
    """Return the client, installed once for all processes of this session."""
    shared = shared_directory(tmp_path_factory, "zenml-client")
    with Zenml(environment_with_zenml(shared)) as zenml:
        yield zenml


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Return a service on each engine, with two workers and an operator."""
    directory = tmp_path_factory.mktemp(f"zenml-{request.param}")
    with ExitStack() as stack:
        settings = {}
        if request.param == "postgres":
            fresh = databases.fresh(request.getfixturevalue("postgres"))
            settings["KEYSVC_DATABASE_URL"] = stack.enter_context(fresh)
        made = Server(directory, "--workers", "2", logs=directory / "log", **settings)
        stack.enter_context(made)
        _operator(made)
        yield made


def _operator(server: Server) -> None:
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


@pytest.fixture
def url(server: Server) -> str:
    return f"http://{server.bind}"


@pytest.fixture
def home(zenml: Zenml, url: str, tmp_path: Path) -> MakeHome:
    """Return a function that makes homes: ``home(API_KEY=...)``, or one of nobody."""
    numbers = count()

    def home(**credentials: str) -> Home:
        given = credentials and {"URL": url, **credentials}
        told = {f"ZENML_STORE_{name}": value for name, value in given.items()}
        return Home(zenml, tmp_path / f"home-{next(numbers)}", **told)

    return home


@pytest.fixture
def operator(home: MakeHome) -> Home:
    """Return the home of the operator."""
    return home(USERNAME=OPERATOR, PASSWORD=PASSWORD)


def _refusal(home: Home) -> str:
    """Return what is raised there instead of a list."""
    with pytest.raises(Raised) as raised:
        home.call("list_service_accounts")
    return raised.value.name


def _seen(home: Home) -> Any:
    """Return the accounts that are seen from there."""
    return home.call("list_service_accounts", hydrate=True)["items"]


def test_it_is_the_client_as_published_and_alone(zenml: Zenml) -> None:
    assert zenml.greeting["client"] == RELEASE
    assert not zenml.greeting["knowsKeysvc"]


def test_accounts_and_keys_by_client(operator: Home) -> None:
    """The same by ``zenml.client.Client()``, which reads every field of an answer."""
    begun = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=1)
    made = operator.call("create_service_account", name="client-ω", description="δ")
    assert made["name"] == "client-ω"
    assert made["metadata"] == {"description": "δ", "external_user_id": None}
    assert made["body"]["active"]
    created = datetime.fromisoformat(made["body"]["created"])
    assert begun < created < begun + timedelta(minutes=5)
    # By its name, its id, and the beginnings of both.
    id_ = made["id"]
    for reference in ("client-ω", id_, UUID(id_).hex, id_[:8], "client-"):
        got = operator.call("get_service_account", name_id_or_prefix=reference)
        assert got == made
    with pytest.raises(Raised, match="EntityExistsError"):
        operator.call("create_service_account", name="client-ω")
    with pytest.raises(Raised, match="KeyError"):
        operator.call("get_service_account", name_id_or_prefix="nobody")

    account = {"service_account_name_id_or_prefix": "client-ω"}
    key = operator.call("create_api_key", **account, name="k", description="first")
    assert key["body"]["key"].startswith("ksa_")
    assert key["body"]["service_account"]["id"] == id_
    assert key["metadata"] == {
        "description": "first",
        "retain_period_minutes": 0,
        "last_login": None,
        "last_rotated": None,
    }
    one = account | {"name_id_or_prefix": "k"}
    changed = operator.call("update_api_key", **one, description="", active=False)
    assert not changed["body"]["active"]
    assert changed["body"]["key"] is None
    assert changed["metadata"]["description"] == ""
    rotated = operator.call("rotate_api_key", **one, retain_period_minutes=7)
    assert rotated["body"]["key"] != key["body"]["key"]
    operator.call("create_api_key", **account, name="l")

    def found(**filters: object) -> list[str]:
        page = operator.call("list_api_keys", **account, **filters, hydrate=True)
        assert page["total"] == len(page["items"])
        return [item["name"] for item in page["items"]]

    assert found() == ["k", "l"]
    assert found(sort_by="desc:name") == ["l", "k"]
    assert found(active=False) == ["k"]
    assert found(id=f"startswith:{key['id'][:13]}") == ["k"]
    assert found(name="k", description="x", logical_operator="or") == ["k"]
    assert found(last_rotated="gte:2020-01-01 00:00:00") == ["k"]
    assert found(last_login="isnull:") == ["k", "l"]
    got = operator.call("get_api_key", **one)
    assert got["metadata"]["retain_period_minutes"] == 7
    second = operator.call("list_api_keys", **account, size=1, page=2)
    assert (second["total"], second["total_pages"], second["max_size"]) == (2, 2, 1)
    assert [item["name"] for item in second["items"]] == ["l"]

    assert operator.call("delete_api_key", **one) is None
    assert found() == ["l"]
    operator.call("delete_service_account", name_id_or_prefix="client-ω")
    with pytest.raises(Raised, match="KeyError"):
        operator.call("list_api_keys", **account)


def test_login_before_and_after_rotations(operator: Home, home: MakeHome) -> None:
    """A retained key is as good as the new one; a dropped one is good for nothing."""
    operator.call("create_service_account", name="turning")
    one = {"service_account_name_id_or_prefix": "turning"}
    keys = [operator.call("create_api_key", **one, name="k")["body"]["key"]]
    one["name_id_or_prefix"] = "k"
    homes = [home(API_KEY=keys[0])]
    assert [account["name"] for account in _seen(homes[0])] == ["turning"]
    assert operator.call("get_api_key", **one)["metadata"]["last_login"]

    for retain in (5, 5):
        turned = operator.call("rotate_api_key", **one, retain_period_minutes=retain)
        keys.append(turned["body"]["key"])
        for key in keys[-2:]:
            fresh = home(API_KEY=key)
            assert [account["name"] for account in _seen(fresh)] == ["turning"]
            homes.append(fresh)
    # Two rotations have dropped the first, and the session that it opened.
    assert _refusal(home(API_KEY=keys[0])) == CREDENTIALS
    assert _refusal(homes[0]) == CREDENTIALS

    turned = operator.call("rotate_api_key", **one)
    assert _refusal(home(API_KEY=keys[1])) == CREDENTIALS
    assert _refusal(home(API_KEY=keys[2])) == CREDENTIALS
    assert _seen(home(API_KEY=turned["body"]["key"]))


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_retained_key_ends_with_its_minute(operator: Home, home: MakeHome) -> None:
    operator.call("create_service_account", name="minute")
    one = {"service_account_name_id_or_prefix": "minute"}
    old = operator.call("create_api_key", **one, name="k")["body"]["key"]
    begun = monotonic()
    operator.call(
        "rotate_api_key", **one, name_id_or_prefix="k", retain_period_minutes=1
    )
    keeper = home(API_KEY=old)
    assert _seen(keeper)

    sleep(max(0.0, 75 - (monotonic() - begun)))

    # Neither the session that it opened is good any more, nor another login.
    assert _refusal(keeper) == CREDENTIALS
    assert _refusal(home(API_KEY=old)) == CREDENTIALS


def test_login_ends_with_what_it_came_from(operator: Home, home: MakeHome) -> None:
    """A client that is logged in logs in again, and is refused, and later let in."""
    operator.call("create_service_account", name="sleeper")
    one = {"service_account_name_id_or_prefix": "sleeper"}
    key = operator.call("create_api_key", **one, name="k")["body"]["key"]
    one["name_id_or_prefix"] = "k"
    sleeper = home(API_KEY=key)
    assert _seen(sleeper)

    operator.call("update_api_key", **one, active=False)
    assert _refusal(sleeper) == CREDENTIALS
    operator.call("update_api_key", **one, active=True)
    assert _seen(sleeper)
    operator.call("update_service_account", name_id_or_prefix="sleeper", active=False)
    assert _refusal(sleeper) == CREDENTIALS
    operator.call("update_service_account", name_id_or_prefix="sleeper", active=True)
    assert _seen(sleeper)
    operator.call("delete_service_account", name_id_or_prefix="sleeper")
    assert _refusal(sleeper) == CREDENTIALS


def test_a_wrong_password_and_an_unknown_name_are_refused(home: MakeHome) -> None:
    assert _refusal(home(USERNAME=OPERATOR, PASSWORD="not his")) == CREDENTIALS
    assert _refusal(home(USERNAME="nobody", PASSWORD=PASSWORD)) == CREDENTIALS
