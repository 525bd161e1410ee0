"""What is measured of access keys: requests that an organization could send."""

import json
import random
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID
from uuid import uuid4

from benchmarks.estate import Estate
from benchmarks.estate.access_keys import NAME
from benchmarks.estate.rows import vault
from benchmarks.loads import Request
from benchmarks.targets.target import JSON
from benchmarks.targets.target import Target
from keysvc.core.cursors import Cursors
from keysvc.model import Kind
from keysvc.model import OwnerKind
from keysvc.store.tables import CredentialRow

#: How many of a page, and which page lies deep.
_LIMIT, _DEEP = 10, 10_000

_PATH = f"/organizations/{NAME}/access-keys"
_NEW = json.dumps({"name": "new", "description": "made by the benchmarks"}).encode()


def first_page(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """List the first 10 keys."""
    for headers in _callers(estate, host, count):
        yield Request("GET", f"{_PATH}?limit={_LIMIT}", headers)


def deep_page(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """List 10 keys that lie behind 99,990 others, or behind as many as there are."""
    places = estate.access_keys.places
    created_at, id_ = places[min(_LIMIT * (_DEEP - 1), len(places) - _LIMIT) - 1]
    place = [_text(created_at), id_.hex]
    scope = [Kind.ACCESS_KEY, OwnerKind.ORGANIZATION, NAME, False]
    token = Cursors(vault()).sign(scope, place)
    for headers in _callers(estate, host, count):
        yield Request("GET", f"{_PATH}?limit={_LIMIT}&pageToken={token}", headers)


def get(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Get a key of the caller's own organization."""
    for headers in _callers(estate, host, count):
        yield Request("GET", f"{_PATH}/{_any_of(estate)}", headers)


def patch(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Change the description of a key to another one."""
    for headers in _callers(estate, host, count):
        body = json.dumps({"description": uuid4().hex}).encode()
        yield Request("PATCH", f"{_PATH}/{_any_of(estate)}", headers | JSON, body)


def create(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Create a key for the caller's own organization."""
    for headers in _callers(estate, host, count):
        yield Request("POST", _PATH, headers | JSON, _NEW)


def targets(count: int) -> tuple[Target, ...]:
    """Return what is measured of access keys, *count* of one organization."""
    deep = max(min(_DEEP, count // _LIMIT), 1)
    return (
        Target(f"list of {_LIMIT} access keys", first_page),
        Target(f"list of {_LIMIT} access keys, page {deep:,}", deep_page),
        Target("GET an access key", get),
        Target("PATCH an access key", patch, flushes=True),
        Target("create an access key", create, flushes=True),
    )


def _callers(estate: Estate, host: str, count: int) -> Iterator[dict[str, str]]:
    for token in random.choices(estate.access_keys.tokens, k=count):
        yield {"Host": host, "Authorization": f"AccessKey {token}"}


def _any_of(estate: Estate) -> UUID:
    id_: UUID = random.choice(estate.access_keys.places)[1]
    return id_


def _text(moment: datetime) -> str:
    text: str = CredentialRow.created_at.db_value(moment)
    return text
