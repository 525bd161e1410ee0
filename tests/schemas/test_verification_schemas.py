"""What is told of a verdict: written by hand, and as its schema describes it."""

import json
from datetime import datetime
from datetime import UTC
from uuid import UUID

import orjson
import pytest

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
