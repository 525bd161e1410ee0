"""Where a client can put a secret: in every place, and mostly in a wrong one."""

import socket
from base64 import b64encode
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple
from urllib.parse import quote

from tests.service.servers import Answer
from tests.service.servers import Pair
from tests.service.servers import Server

USER = "/v2/admin/keypairs/u1"
KEYS = "/organizations/acme/access-keys"
LOGIN = "/api/v1/login"

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Sent(NamedTuple):
    """A request; the *pair* is presented as it should be."""

    method: str
    path: str
    pair: Pair | None = None
    body: object = None
    headers: Mapping[str, str] | None = None


Place = Callable[[Pair], Sent]


def wrong(pair: Pair) -> Pair:
    """Return the pair with another secret, whose last letter alone is another."""
    access, secret = pair
    return access, secret[:-1] + ("a" if secret[-1] != "a" else "b")


def _authorization(scheme: str) -> Place:
    return lambda pair: Sent(
        "REPORT", USER, headers={"Authorization": f"{scheme}{pair[1]}"}
    )


def _header(name: str, value: str = "{}", path: str = USER) -> Place:
    """The secret in a header beside a good credential; ``{}`` stands for it."""
    return lambda pair: Sent(
        "REPORT", path, pair, headers={name: value.replace("{}", pair[1])}
    )


def _gate(query: str = "", **headers: str) -> Place:
    return lambda pair: Sent(
        "GET",
        f"/v1/auth{query.replace('{}', pair[1])}",
        headers={
            name.replace("_", "-"): value.replace("{}", pair[1])
            for name, value in headers.items()
        },
    )


def _question(**asked: Any) -> Place:
    """A question about a credential; ``{}`` stands for the secret."""
    return lambda pair: Sent(
        "POST",
        "/v1/verify",
        pair,
        {k: v.replace("{}", pair[1]) if v == "{}" else v for k, v in asked.items()},
    )


def _leaks(tokens: Callable[[Pair], object]) -> Place:
    return lambda pair: Sent("POST", "/v1/leaks", pair, {"tokens": tokens(pair)})


def _form(form: str) -> Place:
    return lambda pair: Sent(
        "POST", LOGIN, body=form.replace("{}", pair[1]).encode(), headers=_FORM
    )


def _basic(user: str) -> Place:
    """A header that ``Basic`` can read, and has the secret where the user belongs."""
    return lambda pair: Sent(
        "GET",
        "/v1/auth",
        headers={
            "Authorization": "Basic "
            + b64encode(user.replace("{}", pair[1]).encode()).decode()
        },
    )


#: By place; what is answered is kept, and may not have the secret either.
PLACES: dict[str, Place] = {
    "where it belongs": lambda pair: Sent("REPORT", USER, pair),
    "as the access key": lambda pair: Sent("REPORT", USER, pair[::-1]),
    "nearly right": lambda pair: Sent("REPORT", USER, wrong(pair)),
    "another's": lambda pair: Sent("REPORT", USER, ("KP" + "A" * 18, pair[1])),
    "Bearer": _authorization("Bearer "),
    "AccessKey": _authorization("AccessKey "),
    "no scheme": _authorization(""),
    "Basic without base64": _authorization("Basic "),
    "signature": _authorization(
        "BackendAI signMethod=HMAC-SHA256, credential=KPAAAAAAAAAAAAAAAAAA:"
    ),
    "signature that nobody can read": _authorization("BackendAI "),
    "unknown scheme": _authorization("Digest username="),
    "Basic, as the user": _basic("{}:x"),
    "Basic without a colon": _basic("{}"),
    "X-API-Key": _header("X-API-Key"),
    "X-Request-ID": _header("X-Request-ID", "{} {}"),
    "Referer": _header("Referer", "https://example.com/?token={}"),
    "Cookie": _header("Cookie", "session={}"),
    "User-Agent": _header("User-Agent"),
    "X-Forwarded-For": _header("X-Forwarded-For"),
    "Forwarded": _header("Forwarded", "for={}"),
    "Host": _header("Host"),
    "Date": _header("Date"),
    "Content-Type": _header("Content-Type"),
    "Content-Encoding": _header("Content-Encoding"),
    "Idempotency-Key": lambda pair: Sent(
        "POST", KEYS, pair, {"name": "k"}, {"Idempotency-Key": pair[1]}
    ),
    "X-Method-Override": lambda pair: Sent(
        "POST", USER, pair, headers={"X-Method-Override": pair[1]}
    ),
    "name of a header": lambda pair: Sent("REPORT", USER, pair, headers={pair[1]: "x"}),
    "method": lambda pair: Sent(pair[1], USER, pair),
    "query": lambda pair: Sent("REPORT", f"{USER}?secret={pair[1]}", pair),
    "page token": lambda pair: Sent("GET", f"/v1/audit?pageToken={pair[1]}", pair),
    "path": lambda pair: Sent("GET", f"{USER}/{pair[1]}?keys=isActive", pair),
    "path to delete": lambda pair: Sent("DELETE", f"{USER}/{pair[1]}", pair),
    "path of an owner": lambda pair: Sent("REPORT", f"/v2/admin/keypairs/{pair[1]}"),
    "path of nothing": lambda pair: Sent("GET", f"/{quote(pair[1])}", pair),
    "path that is cut anew": lambda pair: Sent("GET", f"{USER}%2F{pair[1]}", pair),
    "path of ZenML": lambda pair: Sent(
        "GET", f"/api/v1/service_accounts/{pair[1]}", pair
    ),
    "path of Bird": lambda pair: Sent("GET", f"{KEYS}/{pair[1]}", pair),
    "body that is no JSON": lambda pair: Sent(
        "POST", f"{USER}/create", pair, f"{{{pair[1]}".encode()
    ),
    "name given twice": lambda pair: Sent(
        "POST", f"{USER}/create", pair, f'{{"{pair[1]}":1,"{pair[1]}":1}}'.encode()
    ),
    "number": lambda pair: Sent(
        "POST", f"{USER}/create", pair, f'{{"a":1e{pair[1]}}}'.encode()
    ),
    "too large a body": lambda pair: Sent(
        "POST", f"{USER}/create", pair, (pair[1] * 2000).encode()
    ),
    "body of a stranger": lambda pair: Sent(
        "POST", f"{USER}/create", wrong(pair), {"secretKey": pair[1]}
    ),
    "forward auth, Bearer": _gate(Authorization="Bearer {}"),
    "forward auth, X-API-Key": _gate(X_API_Key="{}"),
    "forward auth, query": _gate("?scope={}&token={}"),
    "forward auth, scope": _gate("?scope=a%20{}", Authorization="Bearer {}"),
    "forward auth, forwarded": _gate(X_Forwarded_Uri="/?{}", X_Original_Uri="/?{}"),
    "question, token": _question(token="{}"),
    "question, pair": _question(accessKey="KP" + "A" * 18, secretKey="{}"),
    "question, wrong cost": _question(token="{}", cost="x"),
    "question, address": _question(token="x", ip="{}"),
    "question, signed": lambda pair: Sent(
        "POST",
        "/v1/verify",
        pair,
        {
            "signed": {
                "method": "GET",
                "target": f"/?{pair[1]}",
                "headers": {"Authorization": pair[1], "Date": pair[1]},
            }
        },
    ),
    "leaks, nearly right": _leaks(lambda pair: [":".join(wrong(pair)), pair[1]]),
    "leaks, of a wrong type": _leaks(lambda pair: [":".join(pair), 1]),
    "leaks, no list": _leaks(lambda pair: {pair[1]: pair[1]}),
    "login, password": _form("username=olga&password={}"),
    "login, name": _form("username={}&password=x"),
    "login, key": _form("password={}"),
    "login, unknown field": _form("password=x&{}=1"),
    "login, grant": _form("grant_type={}&password=x"),
    "login, broken": _form("%{}%%=%zz"),
    "metrics": lambda pair: Sent("GET", f"/metrics?name[]={pair[1]}"),
    "index": lambda pair: Sent("GET", f"/?{pair[1]}", headers={"Accept": pair[1]}),
}

#: What may be told again to whom it came from: that a value of a field is wrong.
TOLD_AGAIN: dict[str, Place] = {
    "name in a query": lambda pair: Sent("GET", f"/v1/audit?{pair[1]}=1", pair),
    "scope": lambda pair: Sent(
        "POST", f"{USER}/create", pair, {"props": {"scopes": [pair[1]]}}
    ),
    "unknown field": lambda pair: Sent("POST", f"{USER}/create", pair, {pair[1]: 1}),
    "no object": lambda pair: Sent("POST", f"{USER}/create", pair, {"props": pair[1]}),
    "address": lambda pair: Sent(
        "POST", KEYS, pair, {"name": "k", "allowedIps": [pair[1]]}
    ),
}

#: What is no HTTP, or ends too early; gunicorn's own parser refuses it.
BROKEN = {
    "request line": "GET /{} and more HTTP/1.1",
    "method": "{}@ / HTTP/1.1",
    "version": "GET / HTTP/{}",
    "target": "GET {} HTTP/1.1",
    "long target": "GET /{}" + "x" * 5000 + " HTTP/1.1",
    "header without a colon": "GET / HTTP/1.1\r\nAuthorization Basic {}",
    "header that goes on": "GET / HTTP/1.1\r\nHost: a\r\n {}",
    "name of a header": "GET / HTTP/1.1\r\n{}@: a",
    "control character": "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {}\0",
    "long header": "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {}" + "x" * 9000,
    "many headers": "GET / HTTP/1.1\r\n" + "\r\n".join(["X: {}"] * 120),
    "coding": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {}",
    "length": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}",
    "two lengths": "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: {}",
    "expectation": "POST / HTTP/1.1\r\nHost: a\r\nExpect: {}\r\nContent-Length: 1",
    "size of a chunk": f"POST {LOGIN} HTTP/1.1\r\nHost: a\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
    "Transfer-Encoding: chunked\r\n\r\n{}",
    "half a body": f"POST {LOGIN} HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n\r\npassword={}",
    "half a header": "GET / HTTP/1.1\r\nAuthorization: Bearer {}",
    "another protocol": "PRI * HTTP/2.0\r\n\r\n{}",
    "TLS": "\x16\x03\x01{}",
}


def plant(server: Server, pair: Pair) -> str:
    """Put the secret of *pair* everywhere; return what may not tell it, of that."""
    told = [send(server, place(pair)) for place in PLACES.values()]
    for place in TOLD_AGAIN.values():
        assert 400 <= send(server, place(pair)).status < 500
    for line in BROKEN.values():
        _send_raw(server, line.replace("{}", pair[1]))
    statuses = {answer.status for answer in told}
    assert statuses >= {200, 400, 401, 404, 405, 413, 422}
    assert max(statuses) < 500
    # Of what its parser does not like gunicorn tells its sender alone.
    kept = [a for a in told if a.headers.get("Content-Type") != "text/html"]
    assert len(kept) > len(told) - 4
    return "".join(f"{dict(answer.headers)}{answer.text}" for answer in kept)


def send(server: Server, sent: Sent) -> Answer:
    """Send one request, and return the answer."""
    return server.ask(sent.method, sent.path, sent.pair, sent.body, sent.headers)


def _send_raw(server: Server, line: str) -> None:
    """Send what is no HTTP request, and wait until it is refused."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
        sock.sendall(f"{line}\r\n\r\n".encode("latin-1"))
        sock.shutdown(socket.SHUT_WR)
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            # It did not care to read the rest.
            return
