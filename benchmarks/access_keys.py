"""What is measured of access keys: requests that an organization could send."""

import json
import random
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID
from uuid import uuid4

from benchmarks.estate import Estate
from benchmarks.loads import Request
from benchmarks.organization import NAME
from benchmarks.targets import Target
from keysvc.core.cursors import Cursors
from keysvc.model import Kind
from keysvc.model import OwnerKind
from keysvc.store.tables import CredentialRow

#: How many of a page, and which page lies deep.
_LIMIT, _DEEP = 10, 10_000

_PATH = f"/organizations/{NAME}/access-keys"
_JSON = {"Content-Type": "application/json"}
_NEW = json.dumps({"name": "new", "description": "made by the benchmarks"}).encode()


def first_page(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """List the first 10 keys."""
    for headers in _callers(estate, host, count):
        yield Request("GET", f"{_PATH}?limit={_LIMIT}", headers)


def deep_page(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """List 10 keys that lie behind 99,990 others, or behind as many as there are."""
    keys = estate.organization.keys
    before = keys[min(_LIMIT * (_DEEP - 1), len(keys) - _LIMIT) - 1]
    place = [_text(before["created_at"]), before["id"].hex]
    scope = [Kind.ACCESS_KEY, OwnerKind.ORGANIZATION, NAME, False]
    token = Cursors(estate.vault).sign(scope, place)
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
        yield Request("PATCH", f"{_PATH}/{_any_of(estate)}", headers | _JSON, body)


def create(estate: Estate, host: str, count: int) -> Iterator[Request]:
    """Create a key for the caller's own organization."""
    for headers in _callers(estate, host, count):
        yield Request("POST", _PATH, headers | _JSON, _NEW)


TARGETS = (
    Target("access keys: 10, page 1", first_page),
    Target("access keys: 10, page 10,000", deep_page),
    Target("access keys: get", get),
    Target("access keys: PATCH", patch, flushes=True),
    Target("access keys: create", create, flushes=True),
)


def _callers(estate: Estate, host: str, count: int) -> Iterator[dict[str, str]]:
    for token in random.choices(estate.organization.tokens, k=count):
        yield {"Host": host, "Authorization": f"AccessKey {token}"}


def _any_of(estate: Estate) -> UUID:
    id_: UUID = random.choice(estate.organization.keys)["id"]
    return id_


def _text(moment: datetime) -> str:
    text: str = CredentialRow.created_at.db_value(moment)
    return text
