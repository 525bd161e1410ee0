"""Who may do what: the table of scopes, addresses, and the ceiling over a caller."""

from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from datetime import UTC
from ipaddress import ip_address
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from keysvc.core import access
from keysvc.core.access import address_allowed
from keysvc.core.access import covers
from keysvc.core.access import covers_all
from keysvc.core.access import loosens
from keysvc.errors import Forbidden
from keysvc.errors import NotFound
from keysvc.model import Caller
from keysvc.model import Draft
from keysvc.model import Owner
from keysvc.model import OwnerKind

ALICE = Owner(OwnerKind.USER, "alice")
BOB = Owner(OwnerKind.USER, "bob")
NOON = datetime(2040, 1, 1, 12, tzinfo=UTC)

prompt = settings(deadline=None, max_examples=60, database=None)

# held | wanted | does it cover?
COVERS = """
*               | keypairs:read   | yes
*               | *               | yes
*               | realm:any       | yes
*               | a:b:c           | yes
*               | :               | yes
keypairs:read   | keypairs:read   | yes
keypairs:read   | keypairs:write  | no
keypairs:read   | keypairs:rea    | no
keypairs:read   | keypairs:reads  | no
keypairs:read   | keypairs:*      | no
keypairs:read   | keypairs        | no
keypairs:read   | *               | no
keypairs:*      | keypairs:read   | yes
keypairs:*      | keypairs:*      | yes
keypairs:*      | keypairs:a:b    | yes
keypairs:*      | keypairs:a:*    | yes
keypairs:*      | keypairs        | no
keypairs:*      | keypairs2:read  | no
keypairs:*      | api-keys:read   | no
keypairs:*      | *               | no
a:b:*           | a:b:c           | yes
a:b:*           | a:c:b           | no
a:b:*           | a:*             | no
a:b:*           | a:b             | no
realm:*         | realm:any       | yes
key*            | keypairs:read   | no
key*            | key*            | yes
keypairs:r*     | keypairs:read   | no
*:read          | keypairs:read   | no
*:*             | keypairs:read   | no
*:*             | *:read          | yes
a:*:c           | a:b:c           | no
a:*:c           | a:*:c           | yes
**              | keypairs:read   | no
a:**            | a:b             | no
keypairs.*      | keypairs.read   | no
keypairs/*      | keypairs/read   | no
keypairs:       | keypairs:read   | no
keypairs        | keypairs:read   | no
:*              | keypairs:read   | no
"""


def test_what_covers_what() -> None:
    rows = [[w.strip() for w in r.split("|")] for r in COVERS.strip().splitlines()]
    wrong = [r for r in rows if covers([r[0]], r[1]) is not (r[2] == "yes")]
    assert len(rows) == 40
    assert not wrong


def test_nothing_covers_only_nothing() -> None:
    assert not covers((), "verify")
    assert covers_all((), ())
    assert covers_all(("verify",), ())
    assert not covers_all(("verify",), ("verify", "audit:read"))
    assert covers_all(iter(("verify", "audit:*")), iter(("audit:read", "verify")))


word = st.text("ab:*", min_size=1, max_size=6)


@prompt
@given(word)
def test_a_scope_covers_itself_and_star_covers_it(scope: str) -> None:
    assert covers([scope], scope)
    assert covers(["*"], scope)


@prompt
@given(word, word, word)
@example("a:*", "a:b:*", "a:b:c")
def test_covering_is_transitive(a: str, b: str, c: str) -> None:
    if covers([a], b) and covers([b], c):
        assert covers([a], c)


@prompt
@given(st.text("abc:", min_size=1, max_size=8), word)
def test_a_plain_scope_covers_only_itself(plain: str, wanted: str) -> None:
    assert covers([plain], wanted) is (plain == wanted)


@prompt
@given(st.lists(word), st.lists(word), word)
def test_more_scopes_never_cover_less(
    held: list[str], more: list[str], wanted: str
) -> None:
    if covers(held, wanted):
        assert covers([*held, *more], wanted)
        assert covers([*more, *held], wanted)


def test_only_star_covers_star() -> None:
    others = ("*:*", "**", "a:*", "realm:any", "keypairs:*", "*:")
    assert not covers(others, "*")


# allowed | address | may it?
ADDRESSES: list[tuple[tuple[str, ...], str | None, bool]] = [
    ((), "192.0.2.1", True),
    ((), "2001:db8::1", True),
    ((), None, True),
    ((), "no address", True),
    (("192.0.2.0/24",), "192.0.2.255", True),
    (("192.0.2.0/24",), "192.0.3.0", False),
    (("192.0.2.7/32",), "192.0.2.7", True),
    (("192.0.2.7/32",), "192.0.2.8", False),
    (("198.51.100.0/24", "192.0.2.0/24"), "192.0.2.1", True),
    (("0.0.0.0/0",), "203.0.113.9", True),
    (("0.0.0.0/0",), "2001:db8::1", False),
    (("::/0",), "2001:db8::1", True),
    (("::/0",), "192.0.2.1", False),
    (("2001:db8::/32",), "2001:db8:ffff::1", True),
    (("2001:db8::/32",), "2001:db9::1", False),
    (("192.0.2.0/24",), "::ffff:192.0.2.1", True),
    (("192.0.2.0/24",), "::ffff:c000:0201", True),
    (("192.0.2.0/24",), "::ffff:192.0.3.1", False),
    (("::/0",), "::ffff:192.0.2.1", False),
    (("192.0.2.0/24",), "::192.0.2.1", False),
    (("fe80::/10",), "fe80::1%eth0", True),
    (("192.0.2.0/24",), None, False),
    (("192.0.2.0/24",), "", False),
    (("192.0.2.0/24",), "192.0.2.1, 10.0.0.1", False),
    (("192.0.2.0/24",), "192.0.2.1:443", False),
    (("192.0.2.0/24",), " 192.0.2.1", False),
    (("192.0.2.0/24",), "192.0.2.0/24", False),
    (("192.0.2.0/24",), "192.0.2.01", False),
    (("192.0.2.0/24",), "unix:", False),
    (("192.0.2.0/24",), "\udcff", False),
]


def test_which_address_may() -> None:
    wrong = [row for row in ADDRESSES if address_allowed(*row[:2]) is not row[2]]
    assert not wrong


@st.composite
def networks(draw: st.DrawFn) -> str:
    address = draw(st.ip_addresses())
    prefix = draw(st.integers(0, address.max_prefixlen))
    return str(ip_network(f"{address}/{prefix}", strict=False))


limit = st.none() | st.integers(0, 5)
drafts = st.builds(
    Draft,
    is_active=st.booleans(),
    scopes=st.lists(word, max_size=4).map(tuple),
    allowed_ips=st.lists(networks(), max_size=3).map(tuple),
    rate_limit=limit,
    remaining=limit,
    expires_at=st.none() | st.integers(0, 3).map(lambda n: NOON + timedelta(hours=n)),
)


def _caller(limits: Draft, owner: Owner | None = ALICE) -> Caller:
    return Caller(
        kind="keypair",
        id="KP",
        owner=owner,
        scopes=limits.scopes,
        expires_at=limits.expires_at,
        allowed_ips=limits.allowed_ips,
        rate_limit=limits.rate_limit,
        remaining=limits.remaining,
    )


def _may(caller: Caller, before: Draft | None, after: Draft) -> bool:
    try:
        access.require_ceiling(caller, before, after)
    except Forbidden:
        return False
    return True


@prompt
@given(networks(), st.ip_addresses().map(str))
def test_an_allowed_address_lies_in_its_network(allowed: str, address: str) -> None:
    inside = ip_address(address) in ip_network(allowed)
    mapped = getattr(ip_address(address), "ipv4_mapped", None)
    assert address_allowed((allowed,), address) is inside or mapped


@prompt
@given(st.lists(networks()).map(tuple), st.text(st.characters(exclude_categories=())))
def test_any_text_is_an_address_or_not(allowed: tuple[str, ...], text: str) -> None:
    assert address_allowed(allowed, text) in {True, False}
    assert address_allowed((), text)


@prompt
@given(drafts)
def test_nothing_loosens_itself(draft: Draft) -> None:
    assert not loosens(draft, draft)


@prompt
@given(drafts)
def test_a_twin_may_always_be_made(draft: Draft) -> None:
    assert _may(_caller(draft), None, draft)


@prompt
@given(drafts, drafts)
def test_who_has_no_limits_may_make_anything(before: Draft, after: Draft) -> None:
    free = Draft(scopes=("*",))
    assert _may(_caller(free), None, after)
    assert _may(_caller(free), before, after)


@prompt
@given(drafts, drafts)
def test_what_may_be_made_is_no_more_than_its_maker(mine: Draft, made: Draft) -> None:
    if _may(_caller(mine), None, made):
        assert not loosens(replace(mine, is_active=True), made)


@prompt
@given(drafts, drafts)
def test_what_is_no_more_than_its_maker_may_be_made(mine: Draft, made: Draft) -> None:
    if not loosens(replace(mine, is_active=True), made):
        assert _may(_caller(mine), None, made)


@prompt
@given(drafts, drafts, drafts)
def test_whoever_does_not_loosen_may_change(
    mine: Draft, before: Draft, after: Draft
) -> None:
    if not loosens(before, after):
        assert _may(_caller(mine), before, after)
    elif _may(_caller(mine), before, after):
        assert _may(_caller(mine), None, after)
        assert covers_all(mine.scopes, before.scopes)


@prompt
@given(drafts, drafts)
def test_switching_off_never_loosens(before: Draft, other: Draft) -> None:
    assert not loosens(before, replace(before, is_active=False))
    assert not loosens(before, replace(before, scopes=()))
    assert not loosens(before, replace(before, rate_limit=0, remaining=0))
    assert not loosens(
        before,
        replace(before, name=other.name, description="told", attributes={"a": 1}),
    )


@prompt
@given(drafts, drafts, drafts)
def test_loosening_cannot_be_done_in_steps(a: Draft, b: Draft, c: Draft) -> None:
    if not loosens(a, b) and not loosens(b, c):
        assert not loosens(a, c)


SOME = Draft(
    scopes=("jobs:*",),
    allowed_ips=("192.0.2.0/24", "2001:db8::/32"),
    rate_limit=100,
    remaining=50,
    expires_at=NOON,
)

# what changes | does it loosen?
LOOSENS: list[tuple[dict[str, Any], bool]] = [
    ({"scopes": ("jobs:run",)}, False),
    ({"scopes": ()}, False),
    ({"scopes": ("jobs:run", "jobs:*", "jobs:a:*")}, False),
    ({"scopes": ("jobs:*", "verify")}, True),
    ({"scopes": ("*",)}, True),
    ({"allowed_ips": ("192.0.2.128/25",)}, False),
    ({"allowed_ips": ("192.0.2.0/24",)}, False),
    ({"allowed_ips": ("192.0.2.0/25", "192.0.2.128/25", "2001:db8:1::/48")}, False),
    ({"allowed_ips": ()}, True),
    ({"allowed_ips": ("192.0.0.0/16",)}, True),
    ({"allowed_ips": ("192.0.2.0/24", "192.0.3.0/24")}, True),
    ({"allowed_ips": ("192.0.2.0/24", "::/0")}, True),
    ({"allowed_ips": ("0.0.0.0/0", "::/0")}, True),
    ({"allowed_ips": ("::ffff:192.0.2.0/120",)}, True),
    ({"rate_limit": 100}, False),
    ({"rate_limit": 0}, False),
    ({"rate_limit": 101}, True),
    ({"rate_limit": None}, True),
    ({"remaining": 49}, False),
    ({"remaining": 51}, True),
    ({"remaining": None}, True),
    ({"expires_at": NOON - timedelta(microseconds=1)}, False),
    ({"expires_at": NOON + timedelta(microseconds=1)}, True),
    ({"expires_at": None}, True),
    ({"is_active": False}, False),
]


def test_what_loosens() -> None:
    wrong = [row for row in LOOSENS if loosens(SOME, replace(SOME, **row[0])) != row[1]]
    assert not wrong


def test_only_reactivating_loosens_what_is_switched_off() -> None:
    off = replace(SOME, is_active=False)
    assert loosens(off, SOME)
    assert not loosens(off, replace(off, description="told"))


def test_two_halves_are_the_whole() -> None:
    halves = Draft(allowed_ips=("192.0.2.0/25", "192.0.2.128/25"))
    whole = Draft(allowed_ips=("192.0.2.0/24",))
    assert not loosens(halves, whole)
    assert not loosens(whole, halves)


def test_everyone_is_looser_than_all_networks() -> None:
    # Without a list a peer without any address may come in, too.
    assert loosens(Draft(allowed_ips=("0.0.0.0/0", "::/0")), Draft())
    assert not loosens(Draft(), Draft(allowed_ips=("0.0.0.0/0", "::/0")))


def test_a_caller_covers_the_target_before_and_after() -> None:
    mine = Draft(scopes=("keypairs:write", "verify"))
    strong = Draft(scopes=("*",), is_active=False)
    weak = Draft(scopes=("verify",), is_active=False)

    assert _may(_caller(mine), strong, replace(strong, scopes=()))
    assert not _may(_caller(mine), strong, replace(strong, is_active=True))
    assert not _may(
        _caller(mine), strong, replace(strong, is_active=True, scopes=("verify",))
    )
    assert _may(_caller(mine), weak, replace(weak, is_active=True))


# scopes of alice | whose | scope wanted | what comes of it
REALMS: list[tuple[tuple[str, ...], Owner, str, type[Exception] | None]] = [
    (("keypairs:read",), ALICE, "keypairs:read", None),
    (("keypairs:*",), ALICE, "keypairs:read", None),
    (("keypairs:write",), ALICE, "keypairs:read", Forbidden),
    ((), ALICE, "keypairs:read", Forbidden),
    (("keypairs:read",), BOB, "keypairs:read", NotFound),
    (("keypairs:*", "audit:read"), BOB, "keypairs:read", NotFound),
    ((), BOB, "keypairs:read", NotFound),
    (("realm:any",), BOB, "keypairs:read", Forbidden),
    (("realm:any", "keypairs:read"), BOB, "keypairs:read", None),
    (("realm:*", "keypairs:read"), BOB, "keypairs:read", None),
    (("*",), BOB, "keypairs:read", None),
    (("keypairs:read",), Owner(OwnerKind.ORGANIZATION, "alice"), "x", NotFound),
    (("keypairs:read",), Owner(OwnerKind.USER, "Alice"), "x", NotFound),
]


@pytest.mark.parametrize(("held", "owner", "wanted", "outcome"), REALMS)
def test_realm_is_judged_before_scope(
    held: tuple[str, ...], owner: Owner, wanted: str, outcome: type[Exception] | None
) -> None:
    caller = _caller(Draft(scopes=held))

    def require() -> None:
        access.require_realm(caller, owner)
        access.require_scope(caller, wanted)

    if outcome is None:
        require()
        assert access.reaches(caller, owner)
        return
    with pytest.raises(outcome):
        require()


def test_who_owns_nothing_has_no_realm() -> None:
    operator = _caller(Draft(scopes=("keypairs:*",)), owner=None)
    with pytest.raises(NotFound):
        access.require_realm(operator, ALICE)


def test_a_refusal_tells_which_limit_it_was() -> None:
    caller = _caller(SOME)
    beyond: dict[str, Draft] = {
        "scopes": replace(SOME, scopes=("verify",)),
        "expiresAt": replace(SOME, expires_at=None),
        "allowedIps": replace(SOME, allowed_ips=()),
        "rateLimit": replace(SOME, rate_limit=None),
        "remaining": replace(SOME, remaining=None),
    }
    for name, draft in beyond.items():
        with pytest.raises(Forbidden, match=f"^{name}: "):
            access.require_ceiling(caller, None, draft)
