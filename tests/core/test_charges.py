"""Limits: exactly so many, whoever asks at once; and a refusal takes nothing."""

from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.core.verification import charges
from keysvc.core.verification.presented import Pair
from keysvc.model import Change
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Stored
from keysvc.model import Verdict
from keysvc.store import lookup
from keysvc.store import quotas
from keysvc.store import rates
from keysvc.store.connection import connect
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import RateRow
from tests.store.processes import at_once

ALICE = Owner(OwnerKind.USER, "alice")
NOON = datetime(2040, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
AWKWARD = [1, 2, 3, 7, 13, 1000]


class House:
    """A service whose clock stands still until it is moved."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.time = NOON
        self.service = Service(Settings.from_mapping(config), lambda: self.time)
        self.service.installation.ensure_ready()

    def issue(self, **draft: Any) -> Issued:
        return self.service.credentials.issue(
            operator(), Kind.KEYPAIR, ALICE, Draft(**draft)
        )

    def change(self, issued: Issued, change: Change) -> None:
        self.service.credentials.change(
            operator(), Kind.KEYPAIR, ALICE, issued.credential.public_id, change
        )

    def judge(self, issued: Issued, cost: int = 1, **demands: Any) -> Verdict:
        pair = Pair(issued.credential.public_id, issued.secret)
        return self.service.verifier.judge(pair, Demands(cost=cost, **demands))

    def codes(self, issued: Issued, times: int, cost: int = 1) -> Counter[str]:
        return Counter(self.judge(issued, cost).code.value for _ in range(times))


@pytest.fixture
def house(config: dict[str, Any]) -> Iterator[House]:
    yield House(config)
    finish_all()
    disconnect()


def stored_of(issued: Issued) -> Stored:
    stored = lookup.find(issued.credential.public_id)
    assert stored is not None
    return stored


def remaining(issued: Issued) -> int | None:
    return stored_of(issued).remaining


def rate_rows() -> int:
    with reading():
        count: int = RateRow.select().count()
    return count


# -- rates --------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 13, 100])
def test_exactly_so_many_at_once(house: House, limit: int) -> None:
    issued = house.issue(rate_limit=limit)
    assert house.codes(issued, limit + 3) == {"VALID": limit, "RATE_LIMITED": 3}


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_then_one_at_each_interval_and_not_before(house: House, limit: int) -> None:
    issued = house.issue(rate_limit=limit)
    house.codes(issued, limit)
    for _ in range(5):
        refused = house.judge(issued)
        assert refused.code is Code.RATE_LIMITED
        reset_at = refused.charge.reset_at
        assert reset_at is not None
        wait = reset_at - house.time
        assert abs(wait - timedelta(seconds=900) / limit) < timedelta(seconds=0.001)

        house.time = reset_at - timedelta(milliseconds=1)
        assert house.judge(issued).code is Code.RATE_LIMITED
        house.time = reset_at
        assert house.codes(issued, 2) == {"VALID": 1, "RATE_LIMITED": 1}


def test_whoever_is_let_in_hears_when_the_limit_is_whole(house: House) -> None:
    issued = house.issue(rate_limit=3)
    told = [house.judge(issued).charge.reset_at for _ in range(3)]
    near = timedelta(seconds=0.001)
    for number, reset_at in enumerate(told, 1):
        assert reset_at is not None
        assert abs(reset_at - (NOON + number * timedelta(seconds=300))) < near
    house.time = NOON + timedelta(seconds=900)
    assert house.codes(issued, 4) == {"VALID": 3, "RATE_LIMITED": 1}


def test_a_limit_of_none_at_all(house: House) -> None:
    issued = house.issue(rate_limit=0)
    assert house.codes(issued, 2) == {"RATE_LIMITED": 2}
    assert rate_rows() == 0


@pytest.mark.parametrize("limit", [2**31, 2**53 - 1])
def test_a_limit_beyond_all_use(house: House, limit: int) -> None:
    issued = house.issue(rate_limit=limit)
    assert house.codes(issued, 5) == {"VALID": 5}


def test_each_credential_has_its_own(house: House) -> None:
    one, two = house.issue(rate_limit=1), house.issue(rate_limit=1)
    assert house.codes(one, 2) == {"VALID": 1, "RATE_LIMITED": 1}
    assert house.codes(two, 1) == {"VALID": 1}


def test_a_limit_that_is_lifted_or_set_counts_at_once(house: House) -> None:
    issued = house.issue()
    house.codes(issued, 5)
    house.change(issued, {"rate_limit": 2})
    assert house.codes(issued, 3) == {"VALID": 2, "RATE_LIMITED": 1}
    house.change(issued, {"rate_limit": None})
    assert house.codes(issued, 5) == {"VALID": 5}


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["ahead", "back"])
def test_a_clock_that_was_set_locks_nobody_out(house: House, step: timedelta) -> None:
    issued = house.issue(rate_limit=3)
    house.codes(issued, 3)
    house.time += step
    assert house.codes(issued, 4) == {"VALID": 3, "RATE_LIMITED": 1}
    house.time += timedelta(seconds=300.001)
    assert house.codes(issued, 2) == {"VALID": 1, "RATE_LIMITED": 1}


@pytest.mark.parametrize("seconds", [1, 60, 899])
def test_hosts_whose_clocks_differ_a_little_share_a_limit(
    house: House, seconds: int
) -> None:
    issued = house.issue(rate_limit=7)
    used = 0
    for number in range(20):
        house.time = NOON - timedelta(seconds=seconds * (number % 2))
        used += house.judge(issued).code is Code.VALID
    assert used == 7


@pytest.mark.parametrize("limit", AWKWARD)
def test_exactly_so_many_in_many_processes(database_url: str, limit: int) -> None:
    tries = limit // 8 + 3
    found = at_once(take_rate, [(database_url, limit, tries)] * 4)
    assert sum(found) == limit


def take_rate(url: str, limit: int, tries: int) -> int:
    """Try so often, in each of two threads; return how often it was let."""
    connect(url, pool_size=4, pool_timeout=60)
    now, pace = NOON.timestamp(), rates.pace(limit, charges.WINDOW)

    def work() -> int:
        taken = 0
        for _ in range(tries):
            with writing():
                taken += rates.take("credential:x", now, pace) is not None
        return taken

    return _in_two_threads(work)


def _in_two_threads(work: Callable[[], int]) -> int:
    with ThreadPoolExecutor(2) as threads:
        return sum([*threads.map(lambda _: work(), range(2))])


# -- the arithmetic -----------------------------------------------------------------

#: The same examples in each run.
_SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

limits = st.integers(1, 10**9)
moments = st.floats(1_600_000_000, 4_200_000_000)


@_SETTINGS
@given(limits, st.sampled_from([60.0, 900.0]))
@example(7, 900.0)
@example(13, 900.0)
@example(10**9, 900.0)
def test_a_pace_is_as_many_as_it_says(times: int, period: float) -> None:
    interval, burst = rates.pace(times, period)
    assert Fraction(burst) == times * Fraction(interval)
    assert Fraction(interval) % Fraction(rates.GRAIN) == 0
    assert period - times * rates.GRAIN < burst
    # More than so many nobody can count, nor use.
    assert burst <= period or interval == rates.GRAIN


@_SETTINGS
@given(limits, moments, st.integers(0, 10**6))
@example(1_000_000, 1_750_000_000.123456, 999_999)
def test_no_sum_is_ever_rounded(times: int, now: float, uses: int) -> None:
    uses = min(uses, times)
    interval, burst = rates.pace(times, 900)
    now = rates._grains(now)
    # What so many additions would make one by one, each of them exact.
    arrival = now + uses * interval
    assert Fraction(arrival) == Fraction(now) + uses * Fraction(interval)
    assert Fraction(now + burst - interval) == (
        Fraction(now) + Fraction(burst) - Fraction(interval)
    )
    # So the burst is over exactly when it is.
    assert (arrival <= now + burst - interval) == (uses <= times - 1)


steps = st.lists(st.floats(0, 400), min_size=1, max_size=60)


@settings(_SETTINGS, max_examples=30)
@given(st.sampled_from([1, 2, 7, 13]), steps)
def test_no_window_holds_more_than_a_burst_and_what_flows(
    house: House, limit: int, waits: list[float]
) -> None:
    """Of any span t: at most the limit, and one more for each interval in it."""
    pace, now = rates.pace(limit, 900), NOON.timestamp()
    subject, let = f"s{len(waits)}:{limit}:{waits!r}"[:100], []
    with writing():
        rates.purge(float("inf"))
        for wait in waits:
            now += wait
            if rates.take(subject, now, pace) is not None:
                let.append(rates._grains(now))
    assert let, "the first is always let in"
    for first in range(len(let)):
        for last in range(first, len(let)):
            span = let[last] - let[first]
            assert last - first + 1 <= limit + span / pace.interval + 1e-9


# -- quotas -------------------------------------------------------------------------


def test_a_quota_is_taken_down_to_nothing(house: House) -> None:
    issued = house.issue(remaining=3)
    left = [house.judge(issued).charge.remaining for _ in range(3)]
    assert left == [2, 1, 0]
    refused = house.judge(issued)
    assert (refused.code, refused.charge.remaining) == (Code.QUOTA_EXCEEDED, 0)
    assert refused.charge.reset_at is None
    assert remaining(issued) == 0


@pytest.mark.parametrize(
    ("quota", "cost", "code", "left"),
    [
        (0, 0, "VALID", 0),
        (0, 1, "QUOTA_EXCEEDED", 0),
        (5, 0, "VALID", 5),
        (5, 5, "VALID", 0),
        (5, 6, "QUOTA_EXCEEDED", 5),
        (5, 1_000_000, "QUOTA_EXCEEDED", 5),
        (1_000_000, 1_000_000, "VALID", 0),
        (2**53 - 1, 1_000_000, "VALID", 2**53 - 1_000_001),
        (None, 1_000_000, "VALID", None),
    ],
)
def test_a_use_costs_what_it_costs(
    house: House, quota: int | None, cost: int, code: str, left: int | None
) -> None:
    issued = house.issue(remaining=quota)
    verdict = house.judge(issued, cost)
    assert (verdict.code, verdict.charge.remaining) == (code, left)
    assert remaining(issued) == left


def test_a_quota_that_was_lifted_meanwhile_refuses_nobody(house: House) -> None:
    issued = house.issue(remaining=1)
    stale = stored_of(issued)
    house.change(issued, {"remaining": None})
    charge = charges.take(stale, 5, NOON)
    assert (charge.code, charge.remaining) == (Code.VALID, None)


def test_a_spent_quota_can_be_filled(house: House) -> None:
    issued = house.issue(remaining=0)
    assert house.judge(issued).code is Code.QUOTA_EXCEEDED
    house.change(issued, {"remaining": 2})
    assert house.codes(issued, 3) == {"VALID": 2, "QUOTA_EXCEEDED": 1}


@pytest.mark.parametrize("cost", [1, 3])
def test_no_unit_is_given_twice(house: House, database_url: str, cost: int) -> None:
    issued = house.issue(remaining=40)
    id_ = str(issued.credential.id)
    disconnect()
    found = at_once(take_quota, [(database_url, id_, cost, 15)] * 4)
    assert sum(found) == 40 // cost
    connect(database_url, pool_size=2, pool_timeout=60)
    assert remaining(issued) == 40 % cost


def take_quota(url: str, id_: str, cost: int, tries: int) -> int:
    """Try so often, in each of two threads; return how often something was taken."""
    connect(url, pool_size=4, pool_timeout=60)

    def work() -> int:
        taken = 0
        for _ in range(tries):
            with writing():
                left = quotas.take(UUID(id_), cost)
            assert left is None or left >= 0
            taken += left is not None
        return taken

    return _in_two_threads(work)


# -- both, or neither ---------------------------------------------------------------


def test_a_refused_rate_takes_no_quota(house: House) -> None:
    issued = house.issue(rate_limit=2, remaining=10)
    assert house.codes(issued, 5) == {"VALID": 2, "RATE_LIMITED": 3}
    assert remaining(issued) == 8
    assert house.judge(issued).charge.remaining == 8


def test_a_refused_quota_takes_no_rate(house: House) -> None:
    issued = house.issue(rate_limit=2, remaining=5)
    assert house.codes(issued, 5, cost=6) == {"QUOTA_EXCEEDED": 5}
    assert rate_rows() == 0
    assert house.codes(issued, 3) == {"VALID": 2, "RATE_LIMITED": 1}


@pytest.mark.parametrize(
    ("draft", "demands", "code"),
    [
        ({"is_active": False}, {}, Code.INACTIVE),
        ({"expires_at": NOON}, {}, Code.EXPIRED),
        ({}, {"scopes": ("jobs:write",)}, Code.FORBIDDEN),
        ({"allowed_ips": ("192.0.2.0/24",)}, {}, Code.IP_NOT_ALLOWED),
        ({}, {"realm": Owner(OwnerKind.USER, "bob")}, Code.UNKNOWN),
    ],
    ids=lambda value: value.value if isinstance(value, Code) else "",
)
def test_a_refusal_takes_nothing(
    house: House, draft: dict[str, Any], demands: dict[str, Any], code: Code
) -> None:
    issued = house.issue(rate_limit=2, remaining=5, **draft)
    assert house.judge(issued, **demands).code is code
    assert remaining(issued) == 5
    assert rate_rows() == 0


def test_a_wrong_secret_takes_nothing(house: House) -> None:
    issued, other = house.issue(rate_limit=1, remaining=5), house.issue()
    pair = Pair(issued.credential.public_id, other.secret)
    assert house.service.verifier.judge(pair, Demands()).code is Code.UNKNOWN
    assert remaining(issued) == 5
    assert rate_rows() == 0


def test_limits_in_many_processes(
    house: House, config: dict[str, Any], database_url: str
) -> None:
    issued = house.issue(rate_limit=13, remaining=100)
    call = config, issued.credential.public_id, issued.secret, 10
    disconnect()
    found = at_once(verify_often, [call] * 3)
    assert [code for codes in found for code in codes].count("VALID") == 13
    connect(database_url, pool_size=2, pool_timeout=60)
    assert remaining(issued) == 87


def verify_often(
    config: dict[str, Any], access_key: str, secret: str, times: int
) -> list[str]:
    service = Service(Settings.from_mapping(config), lambda: NOON)
    pair = Pair(access_key, secret)
    return [service.verifier.judge(pair, Demands()).code.value for _ in range(times)]
