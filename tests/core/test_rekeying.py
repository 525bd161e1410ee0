"""Changing the ring: nothing that was made with an old key is lost unasked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.ledger.chain import Finding
from keysvc.core.secrets import ring as rings
from keysvc.core.service import Service
from keysvc.core.verification.presented import Pair
from keysvc.core.verification.presented import Token
from keysvc.errors import Conflict
from keysvc.errors import Misconfigured
from keysvc.errors import NotFound
from keysvc.errors import Unavailable
from keysvc.errors import UnknownCredential
from keysvc.model import AccountDraft
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import KeyLogin
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.tables import AuditRow
from keysvc.store.tables import CredentialRow
from keysvc.store.tables import RingKeyRow
from tests.store.processes import at_once

ALICE = Owner(OwnerKind.USER, "alice")
CLI = operator()
A = "a" * 32
B = "b" * 32
C = "c" * 32


def ids(*keys: str) -> tuple[str, ...]:
    return rings.parse(",".join(keys), "here").ids


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Return the settings of a service whose ring is in a file, of the key A."""
    settings = Settings(home=tmp_path / "home", database_url=database_url)
    settings.home.mkdir()
    settings.ring_file.write_text(f"{A}\n")
    yield settings
    finish_all()
    disconnect()


@pytest.fixture
def service(settings: Settings) -> Service:
    """Return a service that runs on these settings."""
    return another(settings)


def another(settings: Settings) -> Service:
    """Return a service as another process on the same settings would have it."""
    service = Service(settings)
    service.installation.ensure_ready()
    return service


def with_variable(settings: Settings, keys: str) -> Settings:
    """Return settings of the same database, with the ring in a variable."""
    return Settings(
        home=settings.home, database_url=settings.database_url, secret_keys=keys
    )


def issue(service: Service, **draft: Any) -> Issued:
    return service.credentials.issue(CLI, Kind.KEYPAIR, ALICE, Draft(**draft))


def present(service: Service, issued: Issued) -> str:
    """Return whose keypair it is, or raise."""
    credential = issued.credential
    return service.verifier.admit(
        Pair(credential.public_id, issued.secret), Origin()
    ).id


def row_of(issued: Issued) -> Any:
    with reading():
        return CredentialRow.get_by_id(issued.credential.id)


def actions() -> list[str]:
    with reading():
        return [row.action for row in AuditRow.select().order_by(AuditRow.seq)]


# -- rotate -------------------------------------------------------------------------


def test_a_new_key_comes_first(service: Service, settings: Settings) -> None:
    maker = service.rekeying.rotate(CLI)

    assert rings.load(settings).ids == (maker, *ids(A))
    assert [(s.key_id, s.makes) for s in service.rekeying.states()] == [
        (maker, True),
        (ids(A)[0], False),
    ]
    assert actions() == ["ring.rotate"]
    assert A not in repr(service.rekeying.states())


def test_a_running_service_follows(service: Service, settings: Settings) -> None:
    old = issue(service)
    running = another(settings)

    maker = service.rekeying.rotate(CLI)
    new = issue(service)

    assert row_of(new).digest_key == row_of(new).sealed_key == maker
    assert present(running, new) == new.credential.public_id
    assert present(running, old) == old.credential.public_id
    assert row_of(issue(running)).digest_key == maker


def test_a_digest_is_renewed_when_its_secret_is_next_used(
    service: Service, settings: Settings
) -> None:
    issued = issue(service)
    maker = service.rekeying.rotate(CLI)
    assert row_of(issued).digest_key == ids(A)[0]

    present(service, issued)
    service.counters.flush()

    assert row_of(issued).digest_key == maker
    assert present(another(settings), issued)


def test_a_variable_is_not_rotated(service: Service, settings: Settings) -> None:
    bound = another(with_variable(settings, A))

    with pytest.raises(Misconfigured, match="KEYSVC_SECRET_KEYS"):
        bound.rekeying.rotate(CLI)

    assert actions() == []
    assert settings.ring_file.read_text() == f"{A}\n"
    assert present(bound, issue(bound))


def test_a_variable_is_rotated_by_hand(service: Service, settings: Settings) -> None:
    old = issue(another(with_variable(settings, A)))

    after = another(with_variable(settings, f"{B},{A}"))

    assert present(after, old)
    assert row_of(issue(after)).digest_key == ids(B)[0]


def test_two_rotations_at_once_keep_both_new_keys(
    service: Service, settings: Settings
) -> None:
    made = at_once(_rotate, [(settings,)] * 2)

    found = rings.load(settings).ids
    assert {*found} == {*made, *ids(A)}
    assert len(found) == 3
    another(settings)


def _rotate(settings: Settings) -> str:
    return another(settings).rekeying.rotate(CLI)


# -- reseal -------------------------------------------------------------------------


def test_seals_and_digests_are_made_anew(service: Service, settings: Settings) -> None:
    issued = [issue(service) for _ in range(3)]
    before = [row_of(each) for each in issued]
    maker = service.rekeying.rotate(CLI)

    assert service.rekeying.reseal(CLI) == 3

    for each, old in zip(issued, before, strict=True):
        new = row_of(each)
        assert (new.digest_key, new.sealed_key) == (maker, maker)
        assert new.digest != old.digest and new.sealed != old.sealed
        assert present(service, each)
    assert service.rekeying.reseal(CLI) == 0
    assert actions()[-2:] == ["ring.rotate", "ring.reseal"]
    assert [s.credentials for s in service.rekeying.states()] == [3, 0]


def test_many_are_resealed_in_batches(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keysvc.core.secrets.rekeying._BATCH", 2)
    for _ in range(5):
        issue(service)
    service.rekeying.rotate(CLI)

    assert service.rekeying.reseal(CLI) == 5
    assert actions().count("ring.reseal") == 3


def test_a_rotation_in_the_middle_does_not_make_it_endless(
    service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keysvc.core.secrets.rekeying._BATCH", 1)
    issued = [issue(service) for _ in range(3)]
    service.rekeying.rotate(CLI)
    turns = iter([None])
    sealed_by_others = service.rekeying._sealed_by_others

    def rotate_once(maker: str) -> Any:
        batch = sealed_by_others(maker)
        assert actions().count("ring.reseal") < 20
        if next(turns, "over") is None:
            another(settings).rekeying.rotate(CLI)
        return batch

    monkeypatch.setattr(service.rekeying, "_sealed_by_others", rotate_once)
    service.rekeying.reseal(CLI)

    newest = rings.load(settings).maker
    assert {row_of(each).sealed_key for each in issued} == {newest}
    assert all(present(service, each) for each in issued)


# -- drop ---------------------------------------------------------------------------


def test_a_key_that_is_needed_is_not_dropped(
    service: Service, settings: Settings
) -> None:
    issued = [issue(service) for _ in range(2)]
    service.rekeying.rotate(CLI)
    ring = settings.ring_file.read_text()

    with pytest.raises(Conflict) as caught:
        service.rekeying.drop(CLI, ids(A)[0])

    assert "2 credentials" in str(caught.value)
    for each in issued:
        assert each.credential.public_id in str(caught.value)
        assert present(service, each)
    assert settings.ring_file.read_text() == ring
    assert "ring.drop" not in actions()
    assert row_of(issue(service))


def test_a_digest_alone_needs_its_key(service: Service) -> None:
    issued = issue(service)
    service.rekeying.rotate(CLI)
    present(service, issued)
    service.counters.flush()

    with pytest.raises(Conflict, match="1 credentials"):
        service.rekeying.drop(CLI, ids(A)[0])

    assert row_of(issued).sealed_key == ids(A)[0], "its seal still needs it"


@pytest.mark.parametrize("force", [False, True])
def test_the_first_key_is_not_dropped(service: Service, force: bool) -> None:
    issued = issue(service)

    with pytest.raises(Conflict, match="rotate"):
        service.rekeying.drop(CLI, ids(A)[0], force=force)

    assert present(service, issued)


def test_a_key_that_is_not_there(service: Service) -> None:
    with pytest.raises(NotFound, match="0123456789abcdef"):
        service.rekeying.drop(CLI, "0123456789abcdef")


def test_a_key_that_nothing_needs_leaves(service: Service, settings: Settings) -> None:
    issued = issue(service)
    running = another(settings)
    maker = service.rekeying.rotate(CLI)
    service.rekeying.reseal(CLI)

    assert service.rekeying.drop(CLI, ids(A)[0]) == []

    assert rings.load(settings).ids == (maker,)
    assert A not in settings.ring_file.read_text()
    for each in (service, running, another(settings)):
        assert present(each, issued)
        assert each.ledger.verify().flaw is None
    assert actions() == ["credential.create", "ring.rotate", "ring.reseal", "ring.drop"]
    with pytest.raises(NotFound):
        service.rekeying.drop(CLI, ids(A)[0])


def test_a_key_that_seals_older_audit_keys_waits_for_a_reseal(
    service: Service,
) -> None:
    issue(service)
    second = service.rekeying.rotate(CLI)
    service.rekeying.reseal(CLI)
    service.rekeying.drop(CLI, ids(A)[0])
    third = service.rekeying.rotate(CLI)
    issued = issue(service)

    with pytest.raises(Conflict, match="reseal"):
        service.rekeying.drop(CLI, second, force=True)
    service.rekeying.reseal(CLI)
    service.rekeying.drop(CLI, second)

    assert [s.key_id for s in service.rekeying.states()] == [third]
    assert present(service, issued)
    assert service.ledger.verify() == Finding(len(actions()), None)


def test_force_kills_what_needs_the_key(service: Service, settings: Settings) -> None:
    killed, other = issue(service), issue(service)
    running = another(settings)
    service.rekeying.rotate(CLI)
    spared = issue(service)

    victims = service.rekeying.drop(CLI, ids(A)[0], force=True)

    assert set(victims) == {i.credential.public_id for i in (killed, other)}
    row = row_of(killed)
    assert (row.is_active, row.digest, row.sealed) == (False, "", None)
    for each in (service, running, another(settings)):
        assert present(each, spared)
        with pytest.raises(UnknownCredential):
            present(each, killed)
        assert each.ledger.verify().flaw is None
    assert actions()[-3:] == ["credential.kill", "credential.kill", "ring.drop"]


def test_the_killed_stay_dead_even_if_switched_on(service: Service) -> None:
    issued = issue(service)
    public_id = issued.credential.public_id
    present(service, issued)
    service.rekeying.rotate(CLI)
    present(service, issued)
    service.rekeying.drop(CLI, ids(A)[0], force=True)
    # What was counted before it was killed is written after.
    service.counters.flush()

    service.credentials.change(CLI, Kind.KEYPAIR, ALICE, public_id, {"is_active": True})

    assert row_of(issued).is_active
    with pytest.raises(UnknownCredential):
        present(service, issued)
    with pytest.raises(UnknownCredential):
        service.verifier.admit(Pair(public_id, ""), Origin())
    service.rekeying.reseal(CLI)
    assert row_of(issued).digest == ""


def test_two_drop_at_once(service: Service, settings: Settings) -> None:
    settings.ring_file.write_text(f"{C}\n{B}\n{A}\n")
    another(settings)

    results = at_once(_drop, [(settings, ids(A)[0]), (settings, ids(B)[0])])

    assert results == [[], []]
    assert rings.load(settings).ids == ids(C), "neither has brought the other's back"


def _drop(settings: Settings, key_id: str) -> list[str]:
    return another(settings).rekeying.drop(CLI, key_id)


# -- dropped ------------------------------------------------------------------------


@pytest.fixture
def stale(service: Service, settings: Settings) -> Service:
    """Return a service whose variable still begins with a key that was dropped."""
    settings.ring_file.write_text(f"{A}\n")
    stale = another(with_variable(settings, A))
    issue(stale)
    service.rekeying.rotate(CLI)
    service.rekeying.reseal(CLI)
    service.rekeying.drop(CLI, ids(A)[0])
    return stale


def test_nobody_makes_anything_with_a_dropped_key(stale: Service) -> None:
    before = actions()

    with pytest.raises(Unavailable, match=ids(A)[0]):
        issue(stale)

    with reading():
        assert CredentialRow.select().count() == 1
    assert actions() == before


def test_nobody_signs_a_record_with_a_dropped_key(stale: Service) -> None:
    with reading():
        public_id = CredentialRow.get().public_id
    before = actions()

    with pytest.raises(Unavailable, match=ids(A)[0]):
        stale.credentials.delete(CLI, Kind.KEYPAIR, ALICE, public_id)

    with reading():
        assert CredentialRow.select().count() == 1
    assert actions() == before


def test_a_process_with_the_file_follows_where_it_only_signs(
    service: Service, settings: Settings
) -> None:
    issued = issue(service)
    running = another(settings)
    running.verifier.admit(Pair(issued.credential.public_id, issued.secret), Origin())
    maker = service.rekeying.rotate(CLI)
    service.rekeying.reseal(CLI)
    service.rekeying.drop(CLI, ids(A)[0])

    running.credentials.delete(CLI, Kind.KEYPAIR, ALICE, issued.credential.public_id)

    with reading():
        last = AuditRow.select().order_by(AuditRow.seq.desc()).get()
    assert (last.action, last.key_id) == ("credential.delete", maker)
    assert running.ledger.verify().flaw is None


def test_counts_are_written_though_a_digest_cannot_be_renewed(
    service: Service, settings: Settings
) -> None:
    issued = issue(service)
    settings.ring_file.write_text(f"{B}\n{A}\n")
    stale = another(with_variable(settings, f"{B},{A}"))
    present(stale, issued)
    settings.ring_file.write_text(f"{C}\n{B}\n{A}\n")
    another(settings).rekeying.drop(CLI, ids(B)[0])

    stale.counters.flush()

    assert row_of(issued).total_queries == 1
    assert row_of(issued).digest_key == ids(A)[0], "no digest of a dropped key"
    assert present(another(settings), issued)


def test_a_dropped_key_does_not_keep_a_service_from_starting(
    stale: Service, settings: Settings
) -> None:
    newest = settings.ring_file.read_text().strip()

    assert another(with_variable(settings, f"{newest},{A}"))
    assert another(with_variable(settings, newest))
    with pytest.raises(Misconfigured):
        another(with_variable(settings, A))


def test_a_key_of_a_variable_is_dropped_and_then_taken_out_by_hand(
    service: Service, settings: Settings
) -> None:
    issue(service)
    bound = another(with_variable(settings, f"{B},{A}"))
    bound.rekeying.reseal(CLI)
    with pytest.raises(Misconfigured):
        another(with_variable(settings, B))

    assert bound.rekeying.drop(CLI, ids(A)[0]) == []

    with reading():
        assert RingKeyRow.get_by_id(ids(A)[0]).dropped_at is not None
    assert another(with_variable(settings, B)).ledger.verify().flaw is None


def test_a_service_that_failed_to_drop_goes_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(id_: UUID) -> None:
        raise Conflict

    issue(service)
    service.rekeying.rotate(CLI)
    with monkeypatch.context() as patched:
        patched.setattr("keysvc.store.ring.kill", fail)
        with pytest.raises(Conflict):
            service.rekeying.drop(CLI, ids(A)[0], force=True)

    with reading():
        assert RingKeyRow.get_by_id(ids(A)[0]).dropped_at is None
    assert len(service.rekeying.states()) == 2


# -- what is retained ---------------------------------------------------------------


def test_a_retained_secret_needs_its_key(service: Service) -> None:
    account = service.accounts.create(CLI, AccountDraft(name="ci"))
    owner, name = account.owner, "runner"
    old = service.credentials.issue(CLI, Kind.API_KEY, owner, Draft(name=name))
    session = service.sessions.log_in(KeyLogin(old.secret), Origin()).token
    service.rekeying.rotate(CLI)
    new = service.credentials.rotate(CLI, Kind.API_KEY, owner, name, 60)
    key_id = ids(A)[0]
    assert [s.credentials for s in service.rekeying.states()] == [1, 1]

    with pytest.raises(Conflict, match=old.credential.public_id):
        service.rekeying.drop(CLI, key_id)
    for token in (old.secret, new.secret, session):
        assert service.verifier.admit(Token(token), Origin()).owner == owner

    assert service.rekeying.drop(CLI, key_id, force=True) == []
    assert service.verifier.admit(Token(new.secret), Origin()).owner == owner
    for token in (old.secret, session):
        with pytest.raises(UnknownCredential):
            service.verifier.admit(Token(token), Origin())


def test_a_session_alone_holds_no_key_back(service: Service) -> None:
    account = service.accounts.create(CLI, AccountDraft(name="ci"))
    key = service.credentials.issue(
        CLI, Kind.API_KEY, account.owner, Draft(name="runner")
    )
    session = service.sessions.log_in(KeyLogin(key.secret), Origin()).token
    service.rekeying.rotate(CLI)
    service.credentials.rotate(CLI, Kind.API_KEY, account.owner, "runner", 0)

    assert service.rekeying.drop(CLI, ids(A)[0]) == []

    with pytest.raises(UnknownCredential):
        service.verifier.admit(Token(session), Origin())
