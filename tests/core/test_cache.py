"""What is kept of verifications: only as long as the feed vouches, and nothing else."""

from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from typing import Any
from uuid import uuid4

import pytest

from keysvc.core.verification import cache as module
from keysvc.core.verification.cache import Cache
from keysvc.core.verification.cache import FRESH
from keysvc.model import Head
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Stored
from keysvc.model import StoredOperator
from keysvc.model import StoredSession
from keysvc.model import Trace

NOON = datetime(2040, 1, 1, 12, tzinfo=UTC)
HERE, THERE = Head(7, "a" * 64), Head(8, "b" * 64)


class Monotonic:
    """The monotonic clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    clock = Monotonic()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


@pytest.fixture
def cache(clock: Monotonic) -> Iterator[Cache]:
    """Return a cache of which the feed has been heard just now."""
    cache = Cache(100)
    cache.advance(HERE, None)
    cache.confirm(clock.now)
    yield cache


def keypair(public_id: str = "KPA", **more: Any) -> Stored:
    return stored(Kind.KEYPAIR, public_id, Owner(OwnerKind.USER, "alice"), **more)


def api_key(public_id: str = "k1", account: str = "acc", **more: Any) -> Stored:
    owner = Owner(OwnerKind.SERVICE_ACCOUNT, account)
    return stored(Kind.API_KEY, public_id, owner, **more)


def stored(kind: Kind, public_id: str, owner: Owner, **more: Any) -> Stored:
    id_ = uuid4()
    wire = public_id if kind is Kind.KEYPAIR else str(id_)
    values: dict[str, Any] = {
        "name": "", "is_active": True, "scopes_text": "[]", "allowed_ips_text": "[]",
        "attributes_text": None, "rate_limit": None, "remaining": None,
        "expires_at": None, "digest": "0" * 64, "digest_key": "k", "sealed": None,
        "sealed_key": None,
    }  # fmt: skip
    return Stored(id_, kind, owner, public_id, wire, **(values | more))


def session(**of: Any) -> StoredSession:
    values: dict[str, Any] = {"operator_id": None, "operator": None, "credential": None}
    id_, ends = str(uuid4()), NOON + timedelta(hours=1)
    return StoredSession(id_, "s1", "0" * 64, "k", 0, ends, **(values | of))


def olga(generation: int = 0) -> StoredOperator:
    return StoredOperator("op", "olga", True, ("verify",), generation)


def trace(action: str, credential: str | None = None, owner: str = "alice") -> Trace:
    return Trace(THERE, action, credential, owner)


def test_what_was_kept_is_found(cache: Cache) -> None:
    key = keypair()
    cache.keep(key, HERE)
    assert cache.find("KPA") == key
    assert cache.find("KPB") is None


@pytest.mark.parametrize(
    "noted",
    [None, Head(6, HERE.mac), Head(8, HERE.mac), Head(7, "other")],
    ids=["before the first reading", "earlier", "later", "another history"],
)
def test_what_was_read_before_a_change_is_not_kept(
    cache: Cache, noted: Head | None
) -> None:
    cache.keep(keypair(), noted)
    assert cache.find("KPA") is None


def test_nothing_is_found_before_the_feed_is_heard_of(clock: Monotonic) -> None:
    cache = Cache(100)
    cache.keep(keypair(), None)
    assert not cache.is_fresh()
    assert cache.find("KPA") is None

    # Not even what was kept before its first word: that word drops everything.
    cache.advance(HERE, None)
    cache.confirm(clock.now)
    assert cache.find("KPA") is None


def test_the_feed_vouches_for_half_a_second(cache: Cache, clock: Monotonic) -> None:
    cache.keep(keypair(), HERE)
    clock.now += FRESH - 0.001
    assert cache.is_fresh() and cache.find("KPA")
    clock.now += 0.001
    assert not cache.is_fresh() and cache.find("KPA") is None
    # From when the reading began, not from when it was over.
    cache.confirm(clock.now - FRESH)
    assert cache.find("KPA") is None
    cache.confirm(clock.now)
    assert cache.find("KPA")


def test_nothing_is_kept_for_ever(cache: Cache, clock: Monotonic) -> None:
    cache.keep(session(credential=api_key()), HERE)
    clock.now += 3599
    cache.confirm(clock.now)
    assert cache.find("s1") and cache.find("k1")
    clock.now += 1
    cache.confirm(clock.now)
    assert cache.find("s1") is None and cache.find("k1") is None


def test_a_parent_that_is_too_old_vouches_for_no_one(
    cache: Cache, clock: Monotonic
) -> None:
    cache.keep(api_key("k1"), HERE)
    clock.now += 2000
    cache.confirm(clock.now)
    # Its account is read again with another key of it, and is as young as that.
    cache.keep(api_key("k2"), HERE)
    clock.now += 1700
    cache.confirm(clock.now)
    assert cache.find("k1") is None
    assert cache.find("k2")


@pytest.mark.parametrize(
    "action", ["credential.update", "credential.rotate", "credential.delete"]
)
def test_exactly_what_changed_is_dropped(cache: Cache, action: str) -> None:
    one, two, key = keypair("KPA"), keypair("KPB"), api_key()
    for principal in (one, two, key):
        cache.keep(principal, HERE)

    cache.advance(THERE, [trace(action, "KPA")])
    assert [bool(cache.find(p.public_id)) for p in (one, two, key)] == [0, 1, 1]

    cache.advance(THERE, [trace(action, key.principal_id)])
    assert [bool(cache.find(p.public_id)) for p in (one, two, key)] == [0, 1, 0]
    assert cache.position == THERE


def test_what_this_process_changed_is_dropped_at_once(cache: Cache) -> None:
    cache.keep(keypair(), HERE)
    cache.drop([trace("credential.update", "KPA")])
    assert cache.find("KPA") is None
    assert cache.position == HERE


def test_an_account_is_one_drop(cache: Cache) -> None:
    keys = [api_key("k1"), api_key("k2"), api_key("k3", "other")]
    for key in keys:
        cache.keep(key, HERE)
    cache.keep(session(credential=keys[0]), HERE)

    cache.advance(THERE, [trace("service_account.update", None, "acc")])

    found = [bool(cache.find(name)) for name in ("k1", "k2", "k3", "s1")]
    assert found == [False, False, True, False]


def test_a_session_is_joined_with_its_parent_as_it_is_now(cache: Cache) -> None:
    parent = api_key()
    mine = session(credential=parent)
    cache.keep(mine, HERE)
    assert cache.find("s1") == mine

    cache.drop([trace("credential.rotate", parent.principal_id)])
    assert cache.find("s1") is None

    # Another verification has read the parent again: the session is seen with that.
    renewed = parent._replace(generation=1)
    cache.keep(renewed, HERE)
    assert cache.find("s1") == mine._replace(credential=renewed)

    cache.drop([trace("session.end", mine.principal_id)])
    assert cache.find("s1") is None
    assert cache.find("k1") == renewed


@pytest.mark.parametrize(
    "action", ["operator.update", "operator.password", "operator.delete"]
)
def test_an_operator_takes_his_sessions_along(cache: Cache, action: str) -> None:
    mine = session(operator_id="op", operator=olga())
    cache.keep(mine, HERE)
    assert cache.find("s1") == mine

    cache.drop([trace(action, None, "op")])
    assert cache.find("s1") is None

    other = session(operator_id="op", operator=olga(1))._replace(public_id="s2")
    cache.keep(other, HERE)
    found = cache.find("s1")
    assert isinstance(found, StoredSession)
    assert found.operator == olga(1), "so that its generation is no longer the same"


@pytest.mark.parametrize(
    "seen",
    [
        [trace("ring.drop")],
        [trace("something.new", "KPB")],
        [Trace(THERE, "credential.update", None, None)],
        [Trace(THERE, "service_account.update", None, None)],
        None,
    ],
)
def test_what_nobody_here_understands_drops_everything(
    cache: Cache, seen: list[Trace] | None
) -> None:
    cache.keep(keypair(), HERE)
    cache.keep(session(credential=api_key()), HERE)
    cache.advance(THERE, seen)
    assert [cache.find(name) for name in ("KPA", "k1", "s1")] == [None] * 3


def test_it_has_a_size(clock: Monotonic) -> None:
    cache = Cache(10)
    cache.advance(HERE, None)
    cache.confirm(clock.now)
    for number in range(100):
        cache.keep(api_key(f"k{number}", f"acc{number}"), HERE)
    kept = [n for n in range(100) if cache.find(f"k{n}")]
    assert kept == [*range(90, 100)]
    assert max(len(cache._principals), len(cache._parents)) == 10
    assert len(cache._public_ids) == 10


def test_reading_a_thing_again_pushes_nothing_out(clock: Monotonic) -> None:
    cache = Cache(2)
    cache.advance(HERE, None)
    cache.confirm(clock.now)
    for name in ("KPA", "KPB", "KPB", "KPB"):
        cache.keep(keypair(name), HERE)
    assert cache.find("KPA") and cache.find("KPB")


def test_a_cache_of_one_is_a_cache(clock: Monotonic) -> None:
    cache = Cache(1)
    cache.advance(HERE, None)
    cache.confirm(clock.now)
    cache.keep(session(credential=api_key()), HERE)
    assert cache.find("s1") is None, "its parent had to leave"
    cache.keep(keypair(), HERE)
    assert cache.find("KPA")


def test_forgetting_is_like_beginning(cache: Cache) -> None:
    cache.keep(keypair(), HERE)
    cache.forget()
    assert not cache.is_fresh()
    assert cache.position is None
    cache.advance(HERE, [])
    cache.confirm(1000.0)
    assert cache.find("KPA") is None


def test_no_digest_is_told(cache: Cache) -> None:
    key = keypair(digest="d" * 64, sealed="sealed-text")
    cache.keep(session(credential=key), HERE)
    said = repr(cache.find("KPA")) + repr(cache.find("s1")) + repr(cache)
    assert "d" * 64 not in said and "sealed-text" not in said
