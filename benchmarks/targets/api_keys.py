"""Service accounts: the keys that one sees of its own, and logins with them."""

import json
from collections.abc import Callable
from collections.abc import Iterator
from urllib.parse import urlencode
from uuid import uuid4

from benchmarks.estate import Estate
from benchmarks.estate.api_keys import Account
from benchmarks.estate.api_keys import ApiKeys
from benchmarks.estate.api_keys import Key
from benchmarks.loads import Request
from benchmarks.targets.target import JSON
from benchmarks.targets.target import Maker
from benchmarks.targets.target import Target

_SIZE = 20


def listing(account: Callable[[ApiKeys], Account], page: int = 1) -> Maker:
    """Return what lists 20 keys of *account*, whose key each caller carries."""

    def requests(estate: Estate, host: str, count: int) -> Iterator[Request]:
        mine = account(estate.api_keys)
        target = f"{_keys(mine)}?page={page}&size={_SIZE}"
        for key in mine.draw(count):
            yield Request("GET", target, _bearer(key, host))

    return requests


def get(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Get a key of the caller's own account."""
    account = estate.api_keys.more
    for key, other in zip(account.draw(count), account.draw(count), strict=True):
        target = f"{_keys(account)}/{other.id}"
        yield Request("GET", target, _bearer(key, host))


def create(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Create a key of the caller's own account."""
    account = estate.api_keys.growing
    for key in account.draw(count):
        body = json.dumps({"name": uuid4().hex + "-key", "description": "new"}).encode()
        yield Request("POST", _keys(account), _bearer(key, host) | JSON, body)


def log_in(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Log in with an API key, as ZenML's client does it."""
    headers = {"Host": host, "Content-Type": "application/x-www-form-urlencoded"}
    for key in estate.api_keys.growing.draw(count):
        form = {"grant_type": "zenml-api-key", "username": "", "password": key.token}
        yield Request("POST", "/api/v1/login", headers, urlencode(form).encode())


def targets(count: int) -> tuple[Target, ...]:
    """Return what is measured of API keys, *count* in the largest account."""
    few, more = -(-count // 100), -(-count // 10)
    # With the 100,000 that are usual it is page 400 of 500.
    late = max(more * 4 // 5 // _SIZE, 1)
    name = f"list of {_SIZE} API keys"
    return (
        Target("GET an API key", get),
        Target(f"{name} of {few:,}", listing(lambda keys: keys.few)),
        Target(f"{name} of {more:,}", listing(lambda keys: keys.more)),
        Target(f"{name} of {more:,}, page {late}", listing(lambda k: k.more, late)),
        Target(f"{name} of {count:,}", listing(lambda keys: keys.many)),
        Target("create an API key", create, flushes=True),
        Target("login with an API key", log_in, flushes=True),
    )


def _keys(account: Account) -> str:
    return f"/api/v1/service_accounts/{account.id}/api_keys"


def _bearer(key: Key, host: str) -> dict[str, str]:
    return {"Host": host, "Authorization": f"Bearer {key.token}"}
