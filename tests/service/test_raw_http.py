"""What clients really send wrong, byte by byte, to a real gunicorn."""

import json
import re
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from datetime import UTC
from pathlib import Path

import pytest

from tests.api.signer import Signer
from tests.conftest import RING
from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import Server

USER = "/v2/admin/keypairs/admin"
CREATE = f"{USER}/create"
PAGING = b'{"paging":{"size":1,"index":0}}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server with keysvc's own settings: two workers of four threads."""
    directory = tmp_path_factory.mktemp("raw")
    with Server(directory, logs=directory / "log") as server:
        yield server


@pytest.fixture(scope="module")
def pair(server: Server) -> Pair:
    """Return the keypair of an administrator."""
    return new_admin(server.directory)


@pytest.fixture
def basic(pair: Pair) -> bytes:
    """Return the header that lets an administrator in."""
    return b"Authorization: Basic " + b64encode(":".join(pair).encode()) + b"\r\n"


@pytest.fixture(autouse=True)
def _goes_on(server: Server, pair: Pair) -> Iterator[None]:
    """Hold that the next request is served, and nothing broke inside."""
    before = len(server.said())
    yield
    for _ in range(3):
        assert server.ask("REPORT", USER, pair).status == 200
    said = server.said()[before:]
    assert "Traceback" not in said
    assert '"status": 500' not in said
    assert '"ERROR"' not in said
    assert '"CRITICAL"' not in said


def exchange(server: Server, *parts: bytes, patience: float = 5.0) -> bytes:
    """Send *parts*, half-close, and return all that comes until the end."""
    with socket.create_connection(("127.0.0.1", server.port), patience) as peer:
        try:
            for part in parts:
                peer.sendall(part)
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It may have heard enough, and hung up.
        return received(peer)


def received(peer: socket.socket) -> bytes:
    """Return all that comes until the other side has closed."""
    said = b""
    try:
        while more := peer.recv(65536):
            said += more
    except ConnectionResetError:
        pass
    return said


def statuses(said: bytes) -> list[int]:
    """Return the status of each answer in *said*."""
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", said)]


def request(
    method: str, target: str, *headers: bytes, body: bytes = b"", last: bool = True
) -> bytes:
    """Return a whole request; a *last* one asks to close."""
    head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n".encode()
    close = b"Connection: close\r\n" if last else b""
    return head + close + b"".join(headers) + b"\r\n" + body


JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def length(number: int) -> bytes:
    return f"Content-Length: {number}\r\n".encode()


def chunks(body: bytes, size: int = 7) -> bytes:
    cut = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in cut) + b"0\r\n\r\n"


# Half requests.


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"\r\n",
        b"REPORT",
        b"REPORT /v2/admin/keypairs/admin HTTP/1.1\r\n",
        b"REPORT /v2/admin/keypairs/admin HTTP/1.1\r\nHost: localhost\r\nAuth",
    ],
)
def test_half_a_header_is_no_request(server: Server, half: bytes) -> None:
    assert statuses(exchange(server, half)) in ([], [400])


def test_half_a_header_and_a_reset_is_no_request(server: Server) -> None:
    for half in (b"REPORT /v2", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"):
        peer = socket.create_connection(("127.0.0.1", server.port), 5)
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        peer.sendall(half)
        peer.close()


def test_half_a_body_changes_nothing(server: Server, pair: Pair, basic: bytes) -> None:
    before = count(server, pair)
    body = b'{"isActive": true}'
    for sent in (body[:5], body[:-1], b""):
        said = exchange(
            server, request("POST", CREATE, basic, JSON, length(len(body)), body=sent)
        )
        assert statuses(said) in ([], [400]), said
    assert count(server, pair) == before


def test_a_whole_json_in_half_a_body_changes_nothing(
    server: Server, pair: Pair, basic: bytes
) -> None:
    before = count(server, pair)
    for sent in (b"{}", b""):
        said = exchange(
            server, request("POST", CREATE, basic, JSON, length(50), body=sent)
        )
        assert statuses(said) in ([], [400]), said
    assert count(server, pair) == before


def count(server: Server, pair: Pair) -> int:
    total: int = server.ask("REPORT", USER, pair).json["paging"]["count"]
    return total


# Several requests on one connection.


def test_pipelined_requests_are_answered_in_order(server: Server, basic: bytes) -> None:
    said = exchange(
        server,
        request("GET", "/healthz", last=False)
        + request(
            "REPORT", USER, basic, JSON, length(len(PAGING)), body=PAGING, last=False
        )
        + request("GET", "/nowhere", last=False)
        + request("REPORT", USER),
    )
    assert statuses(said) == [200, 200, 404, 401]


def test_a_refused_body_is_no_next_request(server: Server, basic: bytes) -> None:
    inner = request("REPORT", USER, basic)
    for headers in ([], [b"Content-Type: text/plain\r\n"], [JSON]):
        outer = request(
            "POST", CREATE, *headers, length(len(inner)), body=inner, last=False
        )
        said = exchange(server, outer + request("GET", "/healthz"))
        assert statuses(said)[0] in (400, 415)
        assert statuses(said)[1:] in ([], [200])
        assert b'"items"' not in said


# Chunks.


def test_good_chunks_are_read(server: Server, basic: bytes) -> None:
    for size in (1, 7, 1000):
        said = exchange(
            server,
            request("REPORT", USER, basic, JSON, CHUNKED, body=chunks(PAGING, size)),
        )
        assert statuses(said) == [200]
        assert json.loads(said.partition(b"\r\n\r\n")[2])["paging"]["count"] >= 1


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"2 \r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}garbage\r\n0\r\n\r\n",
        b"ff\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n",
        b"2\r\n{}",
        b"2",
        b"",
        b"\r\n\r\n",
        b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_chunks_that_lie_change_nothing(
    server: Server, pair: Pair, basic: bytes, body: bytes
) -> None:
    before = count(server, pair)
    for last in (True, False):
        head = request("POST", CREATE, basic, JSON, CHUNKED, body=body, last=last)
        assert statuses(exchange(server, head)) in ([], [400], [400, 400]), head
        # Nothing is a next request where nobody knows where this one ends.
        said = exchange(server, head + request("POST", CREATE, basic))
        assert set(statuses(said)) <= {400}, said
    assert count(server, pair) == before


@pytest.mark.parametrize("size", [70_000, 300_000])
def test_too_much_is_too_much(server: Server, basic: bytes, size: int) -> None:
    body = PAGING.ljust(size)
    whole = request("REPORT", USER, basic, JSON, length(size), body=body)
    cut = request("REPORT", USER, basic, JSON, CHUNKED, body=chunks(body, 8000))
    for sent in (whole, cut):
        # What was not read when the server hangs up resets the connection.
        assert statuses(exchange(server, sent)) in ([413], [])


# Lengths that lie.


@pytest.mark.parametrize(
    "value",
    [b"-1", b"x", b"1e3", b"0x10", b"+5", b"1 2", b"5, 5", b"5, 6", b"\xb2", b"1_0"],
)
def test_a_length_that_is_none_is_refused(
    server: Server, basic: bytes, value: bytes
) -> None:
    headers = b"Content-Length: " + value + b"\r\n"
    said = exchange(server, request("REPORT", USER, basic, JSON, headers, body=PAGING))
    assert statuses(said) == [400]


def test_a_length_too_short_cuts_the_body(server: Server, basic: bytes) -> None:
    said = exchange(
        server, request("REPORT", USER, basic, JSON, length(5), body=PAGING)
    )
    assert statuses(said)[0] == 400
    assert b"cannot be read" in said


def test_an_endless_length_is_refused_at_once(server: Server, basic: bytes) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), 10) as peer:
        peer.sendall(request("REPORT", USER, basic, JSON, length(10**12)))
        assert statuses(peer.recv(65536)) == [413]
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "headers",
    [
        length(31) + CHUNKED,
        CHUNKED + length(31),
        length(31) + length(30),
        CHUNKED + b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
    ],
)
def test_two_ways_to_end_are_refused(
    server: Server, basic: bytes, headers: bytes
) -> None:
    said = exchange(server, request("REPORT", USER, basic, JSON, headers, body=PAGING))
    assert statuses(said)[0] in (400, 501)
    assert b'"items"' not in said


# What is too big, or not allowed where it stands.


def test_what_is_too_big_is_refused(server: Server) -> None:
    for sent, status in (
        (request("REPORT", "/v2/admin/keypairs/" + "a" * 5000), 414),
        (request("GET", "/healthz", b"X-Big: " + b"a" * 9000 + b"\r\n"), 431),
        (request("GET", "/healthz", *[b"X-%d: 1\r\n" % i for i in range(101)]), 431),
    ):
        assert statuses(exchange(server, sent)) == [status]


@pytest.mark.parametrize(
    "header",
    [
        b"X-Nul: a\x00b\r\n",
        b"X-Nul\x00: b\r\n",
        b"X Y: b\r\n",
        b": b\r\n",
        b"nocolon\r\n",
        b" folded: b\r\n",
        b"X-Y : b\r\n",
        b"X-Cr: a\rb\r\n",
    ],
)
def test_a_header_that_is_none_is_refused(
    server: Server, basic: bytes, header: bytes
) -> None:
    assert statuses(exchange(server, request("REPORT", USER, basic, header))) == [400]


@pytest.mark.parametrize(
    "line",
    [
        b"report /v2/admin/keypairs/admin HTTP/1.1",
        b"Report /v2/admin/keypairs/admin HTTP/1.1",
        b"REPORT  /v2/admin/keypairs/admin HTTP/1.1",
        b"REPORT /v2/admin/keypairs/admin",
        b"REPORT /v2/admin/keypairs/admin HTTP/9.9",
        b"REPORT HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_a_line_that_is_no_request_is_refused(
    server: Server, basic: bytes, line: bytes
) -> None:
    said = exchange(server, line + b"\r\nHost: localhost\r\n" + basic + b"\r\n")
    assert statuses(said)[0] in (400, 505)


def test_headers_beyond_ascii_are_data(server: Server) -> None:
    for value in (b"\xff\xfe", "é€".encode(), b"\xc3"):
        headers = [
            b"X-Request-ID: " + value + b"\r\n",
            b"User-Agent: " + value + b"\r\n",
        ]
        assert statuses(exchange(server, request("GET", "/healthz", *headers))) == [200]
        for scheme in (b"Basic ", b"BackendAI ", b"Bearer ", b""):
            header = b"Authorization: " + scheme + value + b"\r\n"
            said = exchange(server, request("REPORT", USER, header))
            assert statuses(said) in ([400], [401])


# What is allowed, though seldom.


def test_expect_is_answered_before_the_body(server: Server, basic: bytes) -> None:
    head = request(
        "REPORT", USER, basic, JSON, length(len(PAGING)), b"Expect: 100-continue\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), 5) as peer:
        peer.sendall(head)
        assert peer.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.sendall(PAGING)
        assert statuses(received(peer)) == [200]


def test_another_expectation_is_refused(server: Server, basic: bytes) -> None:
    headers = (basic, JSON, length(len(PAGING)), b"Expect: 200-ok\r\n")
    said = exchange(server, request("REPORT", USER, *headers, body=PAGING))
    assert statuses(said) in ([417], [400], [200])


def test_http_1_0_is_answered_and_closed(server: Server, basic: bytes) -> None:
    said = exchange(
        server, b"REPORT " + USER.encode() + b" HTTP/1.0\r\n" + basic + b"\r\n"
    )
    assert statuses(said) == [200]
    assert b"connection: close" in said.lower()


def test_the_wrong_media_type_is_refused(
    server: Server, pair: Pair, basic: bytes
) -> None:
    before = count(server, pair)
    for name in (
        b"",
        b"text/plain",
        b"application/x-www-form-urlencoded",
        b"\xff",
        b";",
    ):
        header = b"Content-Type: " + name + b"\r\n" if name else b""
        said = exchange(
            server, request("POST", CREATE, basic, header, length(2), body=b"{}")
        )
        assert statuses(said) == [415], name
    assert count(server, pair) == before


def test_an_absolute_target_is_the_same_target(server: Server, basic: bytes) -> None:
    target = f"http://localhost{USER}"
    assert statuses(exchange(server, request("REPORT", target, basic))) == [200]
    assert statuses(exchange(server, request("REPORT", target))) == [401]
    smuggled = f"http://localhost{USER}%2Fcreate"
    assert statuses(exchange(server, request("POST", smuggled, basic))) == [400]


@pytest.mark.parametrize("target", ["*", "healthz", "/healthz/", "/\x7f", "/%zz", "/%"])
def test_a_strange_target_is_not_found(server: Server, target: str) -> None:
    said = exchange(server, request("GET", target))
    assert statuses(said)[0] in (400, 404)


def test_an_override_with_underscores_is_none(server: Server, basic: bytes) -> None:
    good = exchange(
        server, request("POST", USER, basic, b"X-Method-Override: REPORT\r\n")
    )
    assert statuses(good) == [200]
    for name in (b"X_Method_Override", b"X_METHOD_OVERRIDE", b"X-Method_Override"):
        said = exchange(server, request("POST", USER, basic, name + b": REPORT\r\n"))
        assert statuses(said) in ([405], [400])


def test_two_authorizations_are_no_credential(server: Server, basic: bytes) -> None:
    other = b"Authorization: Basic " + b64encode(b"KPA:b") + b"\r\n"
    for headers in ((basic, other), (other, basic), (basic, basic)):
        said = exchange(server, request("REPORT", USER, *headers))
        assert statuses(said) in ([400], [401]), headers
        assert b'"items"' not in said


# Signatures over a real wire.


def signed(pair: Pair, server: Server) -> Signer:
    return Signer(
        access_key=pair[0],
        secret_key=pair[1],
        date=datetime.now(UTC).isoformat(),
        host=server.bind,
    )


def test_a_signature_covers_the_target_of_the_wire(server: Server, pair: Pair) -> None:
    signer = signed(pair, server)
    for target in (
        f"{USER}/{pair[0]}?keys=isActive&keys=%63oncurrency",
        f"/v2/admin/keypairs/%61dmin/{pair[0]}?keys=isActive,concurrency&",
    ):
        headers = signer.headers("GET", target)
        for _ in range(2):
            answer = server.ask("GET", target, headers=headers)
            assert (answer.status, answer.json) == (200, {"values": [True, 5]})
        assert server.ask("GET", target + "&", headers=headers).status == 401


def test_an_overridden_report_may_come_again(server: Server, pair: Pair) -> None:
    headers = signed(pair, server).headers("POST", USER)
    headers["X-Method-Override"] = "REPORT"
    for _ in range(3):
        assert server.ask("POST", USER, body=b"{}", headers=headers).status == 200


def test_every_worker_knows_a_used_signature(server: Server, pair: Pair) -> None:
    before = count(server, pair)
    headers = signed(pair, server).headers("POST", CREATE)
    found = [server.ask("POST", CREATE, headers=headers).status for _ in range(20)]
    assert found == [200] + [401] * 19
    assert count(server, pair) == before + 1


def test_every_process_knows_a_used_signature(empty_url: str, tmp_path: Path) -> None:
    settings = {"KEYSVC_DATABASE_URL": empty_url, "KEYSVC_SECRET_KEYS": RING}
    one = Server(tmp_path, "--workers", "1", logs=tmp_path / "one", **settings)
    other = Server(tmp_path, "--workers", "1", logs=tmp_path / "other", **settings)
    with one:
        pair = new_admin(tmp_path, **settings)
        with other:
            headers = signed(pair, one).headers("POST", CREATE)
            assert one.ask("POST", CREATE, headers=headers).status == 200
            # The signature is over the name that the client used, not over a port.
            answer = other.ask("POST", CREATE, headers=headers)
            assert answer.status == 401
            assert answer.json["type"].endswith("/auth-failed")
            assert one.ask("REPORT", USER, pair).json["paging"]["count"] == 2
