"""The ways to reach the gate, and those who knock."""

from base64 import b64encode
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.test import Client
from werkzeug.test import TestResponse

from keysvc.commands.group import operator
from keysvc.core.service import Service
from keysvc.model import AccountDraft
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind

Headers = dict[str, str]

#: Where clients of the tests are, unless they say otherwise.
HOME = "192.0.2.1"

#: For what has nothing to do with the database.
ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"])

#: What only a guest says beside: its host's pages have it too.
_OF_THE_HOST = {"X-Request-ID"}


@dataclass
class Door:
    """One way to reach the gate, and the service behind it."""

    service: Service
    wsgi: Any
    path: str = "/v1/auth"

    def ask(
        self,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        method: str = "GET",
        peer: str = HOME,
        **more: Any,
    ) -> TestResponse:
        """Ask whether a request with these *headers* may go on."""
        return Client(self.wsgi).open(
            self.path,
            query_string=query,
            method=method,
            headers=dict(headers or {}),
            environ_overrides={"REMOTE_ADDR": peer},
            **more,
        )

    def issue(self, user: str = "alice", **draft: Any) -> Issued:
        """Issue a keypair."""
        owner = Owner(OwnerKind.USER, user)
        return self.service.credentials.issue(
            operator(), Kind.KEYPAIR, owner, Draft(**draft)
        )

    def issue_key(self, **draft: Any) -> Issued:
        """Issue an API key of a new service account."""
        account = self.service.accounts.create(
            operator(), AccountDraft(name=f"ci-{uuid4()}")
        )
        return self.service.credentials.issue(
            operator(), Kind.API_KEY, account.owner, Draft(name="runner", **draft)
        )

    def issue_access_key(self, organization: str = "acme", **draft: Any) -> Issued:
        """Issue an access key of an organization."""
        owner = Owner(OwnerKind.ORGANIZATION, organization)
        return self.service.credentials.issue(
            operator(), Kind.ACCESS_KEY, owner, Draft(name="till", **draft)
        )


Knock = Callable[[Issued], Headers]


def basic(issued: Issued) -> Headers:
    """Return the header of a keypair."""
    return pair_of(issued.credential.public_id, issued.secret)


def pair_of(access_key: str, secret_key: str) -> Headers:
    """Return the header of an access key and a secret key."""
    pair = f"{access_key}:{secret_key}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def bearer(issued: Issued) -> Headers:
    """Return the header of a token."""
    return {"Authorization": f"Bearer {issued.secret}"}


def accesskey(issued: Issued) -> Headers:
    """Return the header of an organization's access key."""
    return {"Authorization": f"AccessKey {issued.secret}"}


def x_api_key(issued: Issued) -> Headers:
    """Return the other header of a token."""
    return {"X-API-Key": issued.secret}


def said(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return all that an answer says, byte for byte."""
    headers = [h for h in answer.headers if h[0] not in _OF_THE_HOST]
    return answer.status_code, sorted(headers), answer.data


def identity(answer: TestResponse) -> dict[str, str]:
    """Return whom a good answer names; all that it says is checked on the way."""
    assert answer.status_code == 204, answer.text
    assert answer.data == b""
    assert answer.headers["Cache-Control"] == "no-store"
    prefix = "X-Keysvc-"
    named = {n.removeprefix(prefix): v for n, v in answer.headers if prefix in n}
    assert set(named) == {"Kind", "Id", "Owner", "Owner-Kind", "Scopes"}
    return named


def refusal(answer: TestResponse) -> int:
    """Return the status of a refusal, which is told as a problem and no one's."""
    body = answer.get_json(force=True)
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == answer.status_code
    assert not [name for name in answer.headers.keys() if "X-Keysvc" in name]
    return answer.status_code
