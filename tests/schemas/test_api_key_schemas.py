"""The wire of API keys, without HTTP."""

import json
from dataclasses import replace
from datetime import datetime
from datetime import UTC
from typing import Any
from uuid import UUID

import orjson
import pytest

from keysvc.model import AccountKey
from keysvc.model import Actor
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Page
from keysvc.model import ServiceAccount
from keysvc.model import Window
from keysvc.schemas.api_keys import ApiKeyPageSchema
from keysvc.schemas.api_keys import ApiKeySchema
from keysvc.schemas.envelopes import Shown
from keysvc.schemas.envelopes import ShownPage

NOW = datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC)

ACCOUNT = ServiceAccount(
    id=UUID(int=1),
    name="ci",
    created_at=NOW,
    updated_at=NOW,
    created_by=Actor("cli", "root"),
)
KEY = Credential(
    id=UUID(int=7),
    kind=Kind.API_KEY,
    owner=ACCOUNT.owner,
    public_id="a" * 16,
    name="runner-ω",
    created_at=NOW,
    updated_at=NOW,
    created_by=Actor("cli", "root"),
)
KEYS = [
    KEY,
    replace(KEY, is_active=False, last_login_at=NOW, expires_at=NOW, description="d"),
    replace(KEY, scopes=("a", "b"), allowed_ips=("192.0.2.0/24",), retain_minutes=5),
    replace(KEY, rate_limit=0, remaining=2**53 - 1, rotated_at=NOW),
    replace(KEY, retained_used_at=NOW),
]


@pytest.mark.parametrize("hydrate", [False, True])
@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_what_is_written_by_hand_is_what_the_schema_says(
    key: Credential, hydrate: bool
) -> None:
    shown = AccountKey(key, ACCOUNT, secret="shown once")
    dumped = json.dumps(ApiKeySchema().dump(Shown(shown, hydrate)))
    page: Any = ApiKeyPageSchema().dump(ShownPage(Page([shown], 1, Window()), hydrate))
    [written] = page["items"]
    assert orjson.dumps(written) == orjson.dumps(json.loads(dumped))
