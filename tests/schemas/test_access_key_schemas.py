"""The wire of access keys, without HTTP."""

from dataclasses import replace
from datetime import datetime
from datetime import UTC
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from keysvc.model import Actor
from keysvc.model import Credential
from keysvc.model import Cut
from keysvc.model import Issued
from keysvc.model import Keyset
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.schemas.access_keys import AccessKeyChangeSchema
from keysvc.schemas.access_keys import AccessKeyDraftSchema
from keysvc.schemas.access_keys import AccessKeyPageSchema
from keysvc.schemas.access_keys import AccessKeyQuerySchema
from keysvc.schemas.access_keys import AccessKeySchema
from keysvc.schemas.access_keys import IssuedAccessKeySchema

NOW = datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
ROLE = "0d9a6a0e-8f9e-4d0a-8c55-6a3e2f1b7c10"

KEY = Credential(
    id=UUID(int=7),
    kind=Kind.ACCESS_KEY,
    owner=Owner(OwnerKind.ORGANIZATION, "acme"),
    public_id="a" * 16,
    name="deploy",
    description="for the pipeline",
    created_at=NOW,
    updated_at=NOW,
    created_by=Actor("cli", "root"),
    attributes={"suffix": "1aB2cD"},
)

KEYS = [
    KEY,
    replace(KEY, is_active=False, last_used_at=NOW, expires_at=NOW),
    replace(KEY, scopes=("a", "b"), allowed_ips=("192.0.2.0/24",)),
    replace(KEY, rate_limit=0, remaining=2**53 - 1),
    KEY.with_attributes({"role_ids": [ROLE, str(UUID(int=1))]}),
    KEY.with_attributes({"managed": True}),
]


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_what_is_written_by_hand_is_what_the_schema_says(key: Credential) -> None:
    dumped = AccessKeySchema().dump(key)
    page: Any = AccessKeyPageSchema().dump(Cut([key, key], "token"))
    for written in page["results"]:
        assert list(written) == list(dumped)
        tuples = ("scopes", "allowedIps")
        assert {n: list(v) if n in tuples else v for n, v in written.items()} == dumped
    assert page["nextPageToken"] == "token"


def test_the_last_page_has_an_empty_token() -> None:
    page = AccessKeyPageSchema().dump(Cut([], None))
    assert page == {"results": [], "nextPageToken": ""}


def test_the_token_is_only_in_the_answer_of_create() -> None:
    dumped: Any = IssuedAccessKeySchema().dump(Issued(KEY, "the token"))
    assert dumped == {"accessKey": AccessKeySchema().dump(KEY), "token": "the token"}
    assert "the token" not in repr(Issued(KEY, "the token"))


def test_a_query_says_nothing_unless_asked() -> None:
    assert AccessKeyQuerySchema().load({}) == Keyset(10, None, False)
    asked = {"limit": "7", "pageToken": "x", "reverse": "True"}
    assert AccessKeyQuerySchema().load(asked) == Keyset(7, "x", True)


def test_what_is_not_said_of_a_new_key_is_what_a_draft_has() -> None:
    draft = AccessKeyDraftSchema().load({"name": "n", "description": "d"})
    assert (draft.name, draft.description, draft.is_active) == ("n", "d", True)
    assert (draft.scopes, draft.allowed_ips, draft.attributes) == ((), (), {})
    assert (draft.expires_at, draft.rate_limit, draft.remaining) == (None, None, None)


FIELDS = sorted(str(f.data_key) for f in AccessKeyChangeSchema().fields.values())
CLEARED = {"expiresAt", "rateLimit", "remaining"}


def test_null_is_a_value_of_three_fields_only() -> None:
    assert len(FIELDS) == 10
    for name in FIELDS:
        loaded: Any = AccessKeyChangeSchema().load({name: None})
        assert len(loaded) == (name in CLEARED), name
    draft: Any = {"name": "n", "description": "d"}
    assert AccessKeyDraftSchema().load(
        dict.fromkeys(FIELDS) | draft
    ) == AccessKeyDraftSchema().load(draft)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.dictionaries(st.sampled_from([*FIELDS, "id", "x"]), values, max_size=4))
def test_no_body_breaks_its_reader(body: dict[str, Any]) -> None:
    for schema in (AccessKeyChangeSchema(), AccessKeyDraftSchema()):
        try:
            schema.load(body)
        except ValidationError as error:
            assert error.messages
