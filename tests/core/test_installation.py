"""From nothing to a running service, and never on a foreign ring."""

import stat
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from keysvc import create_app
from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.installation import Prepared
from keysvc.core.secrets import ring as rings
from keysvc.core.service import Service
from keysvc.core.verification.presented import Pair
from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import migrate
from keysvc.store import ring as ring_store
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.tables import CredentialRow
from tests.store.processes import at_once

CLI = operator()
ADMIN = Owner(OwnerKind.USER, "admin")
MIGRATIONS = sorted(
    path.stem for path in Path(migrate.__file__).with_name("migrations").glob("0*.py")
)
A = "a" * 32
B = "b" * 32
C = "c" * 32


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """Let the process end its work, and leave the database."""
    yield
    finish_all()
    disconnect()


@pytest.fixture
def nothing(empty_url: str, tmp_path: Path) -> Settings:
    """Return settings of a service that has neither ring nor tables."""
    return Settings(home=tmp_path / "home", database_url=empty_url)


@pytest.fixture
def migrated(database_url: str, tmp_path: Path) -> Settings:
    """Return settings of a service whose database knows no ring."""
    return Settings(home=tmp_path / "home", database_url=database_url)


def on_ring(settings: Settings, *keys: str) -> Settings:
    """Return the same settings with the ring in a variable."""
    return Settings(
        home=settings.home,
        database_url=settings.database_url,
        secret_keys=",".join(keys),
    )


def ids(*keys: str) -> set[str]:
    return {*rings.parse(",".join(keys), "here").ids}


def known() -> set[str]:
    with reading():
        return ring_store.known()


# -- prepare ------------------------------------------------------------------------


def test_prepare_makes_what_is_missing(nothing: Settings) -> None:
    installation = Service(nothing).installation
    assert not installation.has_ring()

    prepared = installation.prepare()

    assert prepared == Prepared(nothing.ring_file, MIGRATIONS)
    assert stat.S_IMODE(nothing.ring_file.stat().st_mode) == 0o600
    assert installation.has_ring()
    assert known() == {*rings.load(nothing).ids}
    installation.ensure_ready()


def test_prepare_again_changes_nothing(nothing: Settings) -> None:
    Service(nothing).installation.prepare()
    ring = nothing.ring_file.read_bytes()

    again = Service(nothing).installation.prepare()

    assert again == Prepared(None, [])
    assert nothing.ring_file.read_bytes() == ring
    assert known() == {*rings.load(nothing).ids}


def test_prepare_takes_the_ring_of_a_variable(nothing: Settings) -> None:
    settings = on_ring(nothing, B, A)

    prepared = Service(settings).installation.prepare()

    assert prepared == Prepared(None, MIGRATIONS)
    assert not nothing.ring_file.exists()
    assert known() == ids(B)


def test_prepare_makes_no_ring_for_a_database_that_has_one(nothing: Settings) -> None:
    Service(on_ring(nothing, A)).installation.prepare()

    with pytest.raises(Misconfigured, match=ids(A).pop()):
        Service(nothing).installation.prepare()

    assert not nothing.ring_file.exists()
    assert known() == ids(A)


def test_prepare_refuses_a_foreign_ring(nothing: Settings) -> None:
    Service(on_ring(nothing, A)).installation.prepare()

    with pytest.raises(Misconfigured, match=ids(A).pop()):
        Service(on_ring(nothing, B)).installation.prepare()

    assert known() == ids(A)


def test_prepare_without_a_database(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path / "home", database_url="postgresql:///x?host=/nowhere"
    )

    with pytest.raises(Unavailable):
        Service(settings).installation.prepare()

    assert not settings.ring_file.exists(), "no ring without a database to know it"


def test_four_prepare_at_once(nothing: Settings) -> None:
    results = at_once(_prepare, [(nothing,)] * 4)

    rest = Prepared(None, [])
    made = [result for result in results if result != rest]
    assert made == [Prepared(nothing.ring_file, MIGRATIONS)]
    assert results.count(rest) == 3
    Service(nothing).installation.ensure_ready()
    assert known() == {*rings.load(nothing).ids}


def _prepare(settings: Settings) -> Prepared:
    return Service(settings).installation.prepare()


# -- ready --------------------------------------------------------------------------


def test_a_database_that_is_not_migrated_is_not_ready(nothing: Settings) -> None:
    installation = Service(on_ring(nothing, A)).installation

    with pytest.raises(Unavailable, match="keysvc migrate"):
        installation.ensure_ready()

    Service(on_ring(nothing, A)).installation.prepare()
    installation.ensure_ready()


def test_without_a_ring_nothing_is_ready(migrated: Settings) -> None:
    with pytest.raises(Misconfigured, match="keysvc init"):
        Service(migrated).installation.ensure_ready()


def test_a_first_start_notes_the_first_key(migrated: Settings) -> None:
    service = Service(on_ring(migrated, B, A))
    assert known() == set()

    service.installation.ensure_ready()

    assert known() == ids(B)


@pytest.mark.parametrize("keys", [(B,), (B, C)])
def test_a_foreign_ring_is_refused(migrated: Settings, keys: tuple[str, ...]) -> None:
    Service(on_ring(migrated, A)).installation.ensure_ready()

    with pytest.raises(Misconfigured) as caught:
        Service(on_ring(migrated, *keys)).installation.ensure_ready()

    assert ids(A).pop() in str(caught.value)
    assert "KEYSVC_SECRET_KEYS" in str(caught.value)
    assert B not in str(caught.value)
    assert known() == ids(A), "a foreign key is not noted"


def test_a_ring_that_lacks_a_key_is_refused(migrated: Settings) -> None:
    Service(on_ring(migrated, A)).installation.ensure_ready()
    Service(on_ring(migrated, B, A)).installation.ensure_ready()
    assert known() == ids(A, B)

    for lacking in ([A], [B], [A, C], [B, C]):
        with pytest.raises(Misconfigured):
            Service(on_ring(migrated, *lacking)).installation.ensure_ready()
    for whole in ([B, A], [A, B], [C, A, B]):
        Service(on_ring(migrated, *whole)).installation.ensure_ready()

    assert known() == ids(A, B, C)


def test_a_check_asks_anew(migrated: Settings) -> None:
    migrated.home.mkdir()
    migrated.ring_file.write_text(A)
    installation = Service(migrated).installation
    installation.ensure_ready()
    migrated.ring_file.write_text(f"{B}\n{A}")
    Service(migrated).installation.ensure_ready()

    installation.check()
    migrated.ring_file.write_text(C)
    with pytest.raises(Misconfigured):
        Service(migrated).installation.check()

    assert known() == ids(A, B)


def config_of(settings: Settings) -> dict[str, Any]:
    return {
        "KEYSVC_HOME": str(settings.home),
        "KEYSVC_DATABASE_URL": settings.database_url,
        "KEYSVC_SECRET_KEYS": settings.secret_keys,
    }


def test_an_application_does_not_start_on_a_foreign_ring(migrated: Settings) -> None:
    create_app(config_of(on_ring(migrated, A)))

    for keys in ((B,), (B, C)):
        with pytest.raises(Misconfigured, match="another ring"):
            create_app(config_of(on_ring(migrated, *keys)))

    assert create_app(config_of(on_ring(migrated, C, A)))


def test_an_application_does_not_start_on_a_ring_that_lacks_a_key(
    migrated: Settings,
) -> None:
    create_app(config_of(on_ring(migrated, A)))
    create_app(config_of(on_ring(migrated, B, A)))

    with pytest.raises(Misconfigured, match=ids(A).pop()):
        create_app(config_of(on_ring(migrated, B)))


def test_an_application_starts_before_its_database(nothing: Settings) -> None:
    app = create_app(config_of(on_ring(nothing, A)))
    client = app.test_client()
    assert client.get("/readyz").status_code == 503

    Service(on_ring(nothing, A)).installation.prepare()

    assert client.get("/readyz").status_code == 200


# -- administrators -----------------------------------------------------------------


@pytest.fixture
def service(migrated: Settings) -> Service:
    service = Service(on_ring(migrated, A))
    service.installation.ensure_ready()
    return service


def test_the_first_administrator(service: Service) -> None:
    assert not service.installation.has_administrator()

    issued = service.installation.first_administrator(CLI)

    assert issued is not None
    assert (issued.credential.owner, issued.credential.scopes) == (ADMIN, ("*",))
    assert service.installation.has_administrator()
    assert service.installation.first_administrator(CLI) is None
    caller = service.verifier.admit(
        Pair(issued.credential.public_id, issued.secret), Origin()
    )
    assert caller.scopes == ("*",)


def test_another_administrator(service: Service) -> None:
    first = service.installation.administrator(CLI)
    second = service.installation.administrator(CLI)

    assert first.credential.owner == second.credential.owner == ADMIN
    assert first.credential.public_id != second.credential.public_id


def issue(service: Service, **draft: Any) -> Issued:
    return service.credentials.issue(CLI, Kind.KEYPAIR, ADMIN, Draft(**draft))


NOW = datetime.now(UTC)
ALL = {"scopes": ("*",)}
RULES: list[tuple[dict[str, Any], bool]] = [
    (ALL, True),
    ({"scopes": ("keypairs:read", "*")}, True),
    ({"scopes": ()}, False),
    ({"scopes": ("keypairs:*",)}, False),
    ({"scopes": ("**",)}, False),
    ({"scopes": ("a:*", "*:a")}, False),
    ({"scopes": (), "name": '"*"', "description": '["*"]'}, False),
    ({**ALL, "is_active": False}, False),
    ({**ALL, "expires_at": NOW - timedelta(seconds=1)}, False),
    ({**ALL, "expires_at": NOW + timedelta(days=1)}, True),
]


@pytest.mark.parametrize(("draft", "counts"), RULES)
def test_who_is_an_administrator(
    service: Service, draft: dict[str, Any], counts: bool
) -> None:
    issue(service, **draft)

    assert service.installation.has_administrator() is counts


def test_an_operator_is_an_administrator_too(service: Service) -> None:
    has_administrator = service.installation.has_administrator
    service.operators.add(CLI, "ann", "a password of hers", ("verify",))
    assert not has_administrator()
    service.operators.change(CLI, "ann", scopes=("*",))
    assert has_administrator()
    assert service.installation.first_administrator(CLI) is None
    service.operators.change(CLI, "ann", is_active=False)
    assert not has_administrator()


def test_an_administrator_who_was_deleted_is_none(service: Service) -> None:
    issued = issue(service, **ALL)
    service.credentials.delete(CLI, Kind.KEYPAIR, ADMIN, issued.credential.public_id)

    assert not service.installation.has_administrator()


def test_an_administrator_whose_secret_is_lost_is_none(migrated: Settings) -> None:
    before = Service(on_ring(migrated, A))
    before.installation.ensure_ready()
    public_id = issue(before, **ALL).credential.public_id
    after = Service(on_ring(migrated, B, A))
    after.installation.ensure_ready()
    assert after.rekeying.drop(CLI, ids(A).pop(), force=True) == [public_id]

    after.credentials.change(CLI, Kind.KEYPAIR, ADMIN, public_id, {"is_active": True})

    assert not after.installation.has_administrator()
    assert after.installation.first_administrator(CLI) is not None


def test_four_make_one_ring_and_one_administrator(nothing: Settings) -> None:
    results = at_once(_init, [(nothing,)] * 4)

    assert sorted(results) == [False, False, False, True]
    service = Service(nothing)
    service.installation.ensure_ready()
    with reading():
        assert CredentialRow.select().count() == 1
    assert service.ledger.verify().good == 1
    assert service.ledger.verify().flaw is None


def _init(settings: Settings) -> bool:
    installation = Service(settings).installation
    installation.prepare()
    return installation.first_administrator(CLI) is not None
