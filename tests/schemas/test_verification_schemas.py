"""Questions and verdicts: read and told by hand, and as their schemas describe them."""

import json
from collections.abc import Callable
from datetime import datetime
from datetime import UTC
from typing import Any
from uuid import UUID

import marshmallow
import orjson
import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from keysvc.model import Charge
from keysvc.model import Code
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Proof
from keysvc.model import Stored
from keysvc.model import StoredOperator
from keysvc.model import StoredSession
from keysvc.model import Verdict
from keysvc.schemas.base import Schema
from keysvc.schemas.verification import QuestionSchema
from keysvc.schemas.verification import VerdictSchema

NOON = datetime(2040, 1, 1, 12, tzinfo=UTC)

KEY = Stored(
    id=UUID(int=7),
    kind=Kind.ACCESS_KEY,
    owner=Owner(OwnerKind.ORGANIZATION, "acme-ω"),
    public_id="p" * 16,
    principal_id=str(UUID(int=7)),
    name="deploy",
    is_active=True,
    scopes_text='["a:b","*"]',
    allowed_ips_text="[]",
    attributes_text='{"role_ids":["r1","r2"]}',
    rate_limit=None,
    remaining=None,
    expires_at=NOON,
    digest="d" * 64,
    digest_key="k" * 16,
    sealed=None,
    sealed_key=None,
)
SESSION = StoredSession(
    id=str(UUID(int=8)),
    public_id="s" * 16,
    digest="d" * 64,
    digest_key="k" * 16,
    generation=0,
    ends_at=NOON,
    operator_id="o1",
    operator=StoredOperator("o1", "olga", True, ("*",), 0),
    credential=None,
)

VERDICTS = [
    Verdict(Code.UNKNOWN),
    Verdict(Code.VALID, KEY, Proof.CURRENT),
    Verdict(Code.VALID, KEY._replace(expires_at=None), Proof.RETAINED),
    Verdict(Code.VALID, SESSION, Proof.CURRENT),
    Verdict(Code.INACTIVE, KEY._replace(attributes_text=None)),
    Verdict(Code.QUOTA_EXCEEDED, KEY, charge=Charge(Code.QUOTA_EXCEEDED, 0)),
    Verdict(Code.RATE_LIMITED, KEY, charge=Charge(Code.RATE_LIMITED, 3, NOON)),
]


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.code)
def test_it_is_told_as_it_is_described(verdict: Verdict) -> None:
    schema = VerdictSchema()
    described = json.dumps(Schema.dump(schema, verdict))
    assert json.loads(orjson.dumps(schema.dump(verdict))) == json.loads(described)
    assert list(schema.dump(verdict)) == list(json.loads(described))


ANYTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
GIVEN = {
    "token": st.text(max_size=5),
    "accessKey": st.text(max_size=5),
    "secretKey": st.text(max_size=5),
    "signed": st.fixed_dictionaries(
        {"method": st.just("GET"), "target": st.just("/"), "headers": st.just({})},
        optional={"body": st.sampled_from(["", "YQ==", "a"])},
    ),
    "kinds": st.lists(st.sampled_from(["keypair", "session", "robot"]), max_size=5),
    "scopes": st.lists(st.sampled_from(["a:b", "*", "A"]), max_size=3),
    "ip": st.sampled_from(["192.0.2.1", "::1", "192.0.2.0/24"]),
    "cost": st.sampled_from([0, 1, 1.0, 1.5, True, -1, 1_000_001]),
    "access_key": st.text(max_size=3),
}
QUESTIONS = st.fixed_dictionaries(
    {}, optional={name: given | ANYTHING for name, given in GIVEN.items()}
)


def _outcome(load: Callable[[Any], Any], asked: Any) -> Any:
    try:
        return load(asked)
    except ValidationError as error:
        return error.messages


@settings(deadline=None)
@given(QUESTIONS | ANYTHING)
@example({"token": "t"})
@example({"token": "t", "scopes": ["a:b", "a:b"], "ip": "::1", "cost": 2})
@example({"accessKey": "a", "secretKey": "s", "kinds": ["keypair"]})
@example({"token": None, "cost": "1", "robot": 1})
def test_a_question_is_read_as_marshmallow_would_read_it(asked: Any) -> None:
    schema = QuestionSchema()

    def slowly(data: Any) -> Any:
        return marshmallow.Schema.load(schema, data)

    assert _outcome(schema.load, asked) == _outcome(slowly, asked)
