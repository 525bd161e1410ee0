"""What a proxy tells is believed of trusted peers, and of one family alone."""

from ipaddress import ip_address
from ipaddress import ip_network

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from keysvc.errors import MalformedCredential
from keysvc.gate.forwarded import Forwarded

PROXY = "10.0.0.1"
TRUSTED = ("10.0.0.0/8", "2001:db8:1::/48")
CLIENT = "192.0.2.1"

FAMILIES = {"x-forwarded": "HTTP_X_FORWARDED_", "x-original": "HTTP_X_ORIGINAL_"}
EACH = pytest.mark.parametrize("family", FAMILIES)


def address(
    told: str | None, peer: str = PROXY, family: str = "x-forwarded"
) -> str | None:
    """Return the client's address, as the proxy at *peer* tells it."""
    environ = {"REMOTE_ADDR": peer}
    if told is not None:
        environ[FAMILIES[family] + "FOR"] = told
    return Forwarded(family, TRUSTED).address(environ)


@EACH
@pytest.mark.parametrize(
    ("told", "client"),
    [
        (CLIENT, CLIENT),
        (f" {CLIENT} ", CLIENT),
        (f"198.51.100.1, {CLIENT}", CLIENT),
        (f"198.51.100.1,{CLIENT},10.0.0.2", CLIENT),
        (f"{CLIENT}, 10.0.0.3,  10.0.0.2", CLIENT),
        (f"10.0.0.9, {CLIENT}", CLIENT),
        (f"{CLIENT}, ::ffff:10.0.0.2", CLIENT),
        (f"{CLIENT}, 2001:db8:1::7", CLIENT),
        (f"{CLIENT}, 2001:db8:2::7", "2001:db8:2::7"),
        (f"10.0.0.2, ::ffff:{CLIENT}", f"::ffff:{CLIENT}"),
        (f"{CLIENT},,", CLIENT),
        # Who is no address is no proxy of ours: it ends there.
        (f"{CLIENT}, garbage", "garbage"),
        (f"{CLIENT}, garbage, 10.0.0.2", "garbage"),
        (f"{CLIENT}, 10.0.0.2:8080", "10.0.0.2:8080"),
        (f"{CLIENT}, unknown", "unknown"),
        # All of them are ours: the first one asks for itself.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (", 10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("", PROXY),
        (" , ", PROXY),
        (None, PROXY),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy(
    family: str, told: str | None, client: str
) -> None:
    assert address(told, family=family) == client


@EACH
@pytest.mark.parametrize(
    "peer", [CLIENT, "11.0.0.1", "::ffff:192.0.2.1", "2001:db8:2::1", "garbage"]
)
def test_who_is_no_proxy_speaks_for_himself(family: str, peer: str) -> None:
    assert address("203.0.113.1", peer, family) == peer


@EACH
@pytest.mark.parametrize("peer", [PROXY, "::ffff:10.0.0.1", "2001:db8:1::1"])
def test_a_proxy_in_any_clothes_is_one(family: str, peer: str) -> None:
    assert address(CLIENT, peer, family) == CLIENT


@EACH
@pytest.mark.parametrize(
    ("peer", "client"), [(PROXY, CLIENT), (CLIENT, "198.51.100.9")]
)
def test_behind_a_hosts_proxy_fix_the_peer_is_still_who_has_connected(
    family: str, peer: str, client: str
) -> None:
    environ = {
        "REMOTE_ADDR": "198.51.100.9",
        "werkzeug.proxy_fix.orig": {"REMOTE_ADDR": peer},
        FAMILIES[family] + "FOR": CLIENT,
        FAMILIES[family] + "METHOD": "GET",
        FAMILIES[family] + "URI": "/asked",
        "RAW_URI": "/v1/auth",
    }
    forwarded = Forwarded(family, TRUSTED)
    assert forwarded.address(environ) == client
    asked = "/asked" if peer == PROXY else "/v1/auth"
    assert forwarded.signed(environ)["RAW_URI"] == asked


def test_a_socket_file_is_this_machine() -> None:
    environ = {"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": CLIENT}

    assert Forwarded("x-forwarded", ("127.0.0.0/8",)).address(environ) == CLIENT
    assert Forwarded("x-forwarded", TRUSTED).address(environ) is None
    assert Forwarded("", ("127.0.0.0/8",)).address(environ) is None


def test_the_family_that_is_not_named_is_not_read() -> None:
    environ = {
        "REMOTE_ADDR": PROXY,
        "HTTP_X_FORWARDED_FOR": "192.0.2.1",
        "HTTP_X_ORIGINAL_FOR": "192.0.2.2",
        "HTTP_X_REAL_IP": "192.0.2.3",
        "HTTP_FORWARDED": "for=192.0.2.4",
        "HTTP_CLIENT_IP": "192.0.2.5",
    }
    assert Forwarded("", TRUSTED).address(environ) == PROXY
    assert Forwarded("x-forwarded", TRUSTED).address(environ) == "192.0.2.1"
    assert Forwarded("x-original", TRUSTED).address(environ) == "192.0.2.2"
    assert Forwarded("x-forwarded", ()).address(environ) == PROXY


_ADDRESSES = st.ip_addresses().map(str)
_HOPS = st.lists(_ADDRESSES | st.just(PROXY) | st.text(max_size=8), max_size=6)


def _is_ours(hop: str) -> bool:
    try:
        found = ip_address(hop)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in ip_network(n) for n in TRUSTED)


@given(_HOPS)
def test_who_is_found_is_a_hop_with_only_proxies_behind_it(hops: list[str]) -> None:
    # A hop that holds a comma is two.
    hops = [hop for given in hops for hop in given.split(",")]
    words = [hop.strip() for hop in hops if hop.strip()]

    found = address(",".join(hops))

    strangers = [word for word in words if not _is_ours(word)]
    assert found == (strangers or words[:1] or [PROXY])[-1]


@given(st.text(), st.text(max_size=8))
def test_what_a_client_adds_on_the_left_changes_nothing(
    garbage: str, peer: str
) -> None:
    assert address(f"{garbage},{CLIENT}") == CLIENT
    assert address(garbage, peer) in {peer, None} or _is_ours(peer or "127.0.0.1")


# Of signatures.


def signed(family: str = "x-original", **told: str) -> tuple[str, str, str]:
    """Return method, target and host that count, of what the proxy tells."""
    environ = {
        "REMOTE_ADDR": PROXY,
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/v1/auth",
        "HTTP_HOST": "keysvc",
    }
    environ |= {FAMILIES[family] + name: value for name, value in told.items()}
    found = Forwarded(family, TRUSTED).signed(environ)
    return found["REQUEST_METHOD"], found["RAW_URI"], found["HTTP_HOST"]


@EACH
def test_the_request_is_the_one_that_the_proxy_tells(family: str) -> None:
    told = signed(family, METHOD="POST", URI="/jobs?a=%2F", HOST="api.example.org")

    assert told == ("POST", "/jobs?a=%2F", "api.example.org")


@EACH
def test_the_host_is_the_proxys_own_where_it_tells_no_other(family: str) -> None:
    assert signed(family, METHOD="GET", URI="/")[2] == "keysvc"


@EACH
@pytest.mark.parametrize(
    "told", [{}, {"METHOD": "GET"}, {"URI": "/"}, {"METHOD": "", "URI": "/"}]
)
def test_what_is_not_told_is_not_guessed(family: str, told: dict[str, str]) -> None:
    with pytest.raises(MalformedCredential):
        signed(family, **told)


TARGETS = [
    ("https://api.example.org/jobs", "/jobs"),
    ("http://api.example.org:8080/jobs?a=b&c", "/jobs?a=b&c"),
    ("https://user:pw@api.example.org/%2F/a;b=c", "/%2F/a;b=c"),
    ("http://[2001:db8::1]:80/x", "/x"),
    ("http://api.example.org", "/"),
    ("http://api.example.org?a=b", "/?a=b"),
    ("http://api.example.org/?", "/?"),
    ("http://api.example.org//two//slashes", "//two//slashes"),
    ("http://api.example.org/?next=http://other/x", "/?next=http://other/x"),
    ("http://[/x", "/x"),
    ("/jobs", "/jobs"),
    ("//two", "//two"),
    ("/a?b=http://c/d", "/a?b=http://c/d"),
    ("*", "*"),
]


@pytest.mark.parametrize(("url", "target"), TARGETS)
def test_a_whole_url_is_told_by_some(url: str, target: str) -> None:
    assert signed(METHOD="GET", URL=url)[1] == target
    assert signed(METHOD="GET", URI=url)[1] == target


def test_the_target_goes_before_the_url() -> None:
    assert signed(METHOD="GET", URI="/a", URL="http://h/b")[1] == "/a"
    # No such header belongs to this family.
    with pytest.raises(MalformedCredential):
        signed("x-forwarded", METHOD="GET", URL="http://h/b")


@given(st.text(min_size=1))
@example("http://[")
@example("http://[x]/")
@example("a://\n")
def test_no_target_is_too_strange(target: str) -> None:
    assert isinstance(signed(METHOD="GET", URL=target)[1], str)


@EACH
def test_who_is_no_proxy_has_asked_what_he_has_asked(family: str) -> None:
    environ = {
        "REMOTE_ADDR": CLIENT,
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/v1/auth",
        FAMILIES[family] + "METHOD": "POST",
        FAMILIES[family] + "URI": "/jobs",
        FAMILIES[family] + "HOST": "api.example.org",
    }
    assert Forwarded(family, TRUSTED).signed(environ) == environ
    assert Forwarded("", TRUSTED).signed(environ | {"REMOTE_ADDR": PROXY})[
        "RAW_URI"
    ] == ("/v1/auth")
