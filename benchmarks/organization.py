"""One organization with very many access keys, as rows of the database."""

from datetime import datetime
from datetime import timedelta
from typing import Any
from uuid import uuid4

from keysvc.core.secrets import tokens
from keysvc.core.secrets.vault import Vault
from keysvc.model import Kind
from keysvc.model import OwnerKind

NAME = "acme"

#: How many of its keys ask; they are the newest.
_MANAGERS = 100

Row = dict[str, Any]


class Organization:
    """
    Access keys of one organization, the oldest first, and those of its managers.

    Args:
        count: How many keys lie before those of the managers.
    """

    def __init__(self, count: int, vault: Vault, now: datetime) -> None:
        self.tokens: list[str] = []
        self.keys = [
            self._row(vault, now - timedelta(seconds=count + _MANAGERS - number))
            for number in range(count)
        ]
        self.managers = [
            self._row(vault, now - timedelta(seconds=_MANAGERS - number), asks=True)
            for number in range(_MANAGERS)
        ]

    def _row(self, vault: Vault, at: datetime, *, asks: bool = False) -> Row:
        id_ = uuid4()
        token, text = tokens.mint_token("kso")
        if asks:
            self.tokens.append(text)
        return {
            "id": id_,
            "kind": Kind.ACCESS_KEY,
            "owner_kind": OwnerKind.ORGANIZATION,
            "owner_id": NAME,
            "public_id": token.public_id,
            "name": "deploy",
            "description": "used by the pipeline",
            "is_active": True,
            "scopes": ["access-keys:read", "access-keys:write"],
            "allowed_ips": [],
            "attributes": {"suffix": text[-6:], "role_ids": [str(id_)]},
            "created_at": at,
            "updated_at": at,
            "created_by_kind": "cli",
            "created_by_id": "benchmarks",
            "total_queries": 0,
            **vault.protect(id_, token.secret, sealed=False)._asdict(),
        }
