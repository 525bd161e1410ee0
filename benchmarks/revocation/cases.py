"""What can be revoked, as a client does it."""

import json
import os
import time
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from typing import NamedTuple
from urllib.parse import urlencode

#: Seconds that a slow machine may take.
PATIENCE = 60

Headers = dict[str, str]


class House:
    """A server on *port* of this machine, as its administrator uses it."""

    def __init__(self, port: int, pair: tuple[str, str]) -> None:
        self.port, self._number = port, 0
        basic = b64encode(":".join(pair).encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what is answered; it must be good."""
        content = None if body is None else json.dumps(body)
        headers = self._headers | {"Content-Type": "application/json"}
        return self._ask(method, path, content, headers)

    def log_in(self, key: str) -> str:
        """Return the token of a session that *key* has begun."""
        form = urlencode({"grant_type": "zenml-api-key", "password": key})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._ask("POST", "/api/v1/login", form, headers)
        return str(answer["access_token"])

    def new_name(self) -> str:
        """Return a name that nobody has."""
        self._number += 1
        return f"n{self._number}-{os.getpid()}-{time.monotonic_ns()}"

    def _ask(self, method: str, path: str, body: Any, headers: Headers) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 300, (method, path, answer.status, text)
            return json.loads(text) if text else None
        finally:
            connection.close()


class Case(NamedTuple):
    """Something that is good, where it is asked of, and what revokes it."""

    headers: Headers
    path: str
    revoke: Callable[[], Any]


def _keypair(house: House) -> tuple[Headers, str]:
    user = f"/v2/admin/keypairs/{house.new_name()}"
    props = {"scopes": ["jobs:read", "jobs:write"]}
    made = house.ask("POST", f"{user}/create", {"props": props})
    pair = f"{made['accessKey']}:{made['secretKey']}"
    basic = b64encode(pair.encode()).decode()
    return {"Authorization": f"Basic {basic}"}, f"{user}/{made['accessKey']}"


def _api_key(house: House) -> tuple[str, str, str]:
    accounts = "/api/v1/service_accounts"
    named = {"name": house.new_name(), "active": True}
    account = f"{accounts}/{house.ask('POST', accounts, named)['id']}"
    key = house.ask("POST", f"{account}/api_keys", {"name": "k"})
    return key["body"]["key"], account, f"{account}/api_keys/{key['id']}"


def _key_off(house: House) -> Case:
    headers, path = _keypair(house)
    change = {"props": {"isActive": False}}
    return Case(headers, "/v1/auth", lambda: house.ask("PATCH", path, change))


def _key_deleted(house: House) -> Case:
    headers, path = _keypair(house)
    return Case(headers, "/v1/auth", lambda: house.ask("DELETE", path))


def _scope_cut(house: House) -> Case:
    headers, path = _keypair(house)
    change = {"props": {"scopes": ["jobs:read"]}}
    asked = "/v1/auth?scope=jobs:write"
    return Case(headers, asked, lambda: house.ask("PATCH", path, change))


def _account_off(house: House) -> Case:
    key, account, _ = _api_key(house)
    change = {"active": False}
    return Case(
        {"X-API-Key": key}, "/v1/auth", lambda: house.ask("PUT", account, change)
    )


def _rotated(house: House) -> Case:
    key, _, path = _api_key(house)
    bearer = {"Authorization": f"Bearer {key}"}
    return Case(bearer, "/v1/auth", lambda: house.ask("PUT", f"{path}/rotate", {}))


def _parent_off(house: House) -> Case:
    key, _, path = _api_key(house)
    bearer = {"Authorization": f"Bearer {house.log_in(key)}"}
    change = {"active": False}
    return Case(bearer, "/v1/auth", lambda: house.ask("PUT", path, change))


CASES: dict[str, Callable[[House], Case]] = {
    "key off": _key_off,
    "key deleted": _key_deleted,
    "scope cut": _scope_cut,
    "account off": _account_off,
    "rotated without grace": _rotated,
    "session's parent off": _parent_off,
}
