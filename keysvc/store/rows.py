"""Credentials as rows: columns out, columns in, without a model on the way."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from keysvc.model import Actor
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store.fields import moment
from keysvc.store.tables import CredentialRow

#: Columns that have the name and the shape of their value.
_PLAIN = (
    "id",
    "kind",
    "public_id",
    "name",
    "description",
    "is_active",
    "scopes",
    "allowed_ips",
    "rate_limit",
    "remaining",
    "expires_at",
    "attributes",
    "created_at",
    "updated_at",
    "last_used_at",
    "total_queries",
    "rotated_at",
    "retain_minutes",
    "retained_until",
    "retained_used_at",
    "last_login_at",
)

#: What verifications and logins write, and they alone.
COUNTED = ("last_used_at", "total_queries", "retained_used_at", "last_login_at")

_PAIRS = ("owner_kind", "owner_id", "created_by_kind", "created_by_id")

#: What a query must select for ``credential`` to read its rows.
SHOWN: tuple[Any, ...] = tuple(getattr(CredentialRow, n) for n in (*_PLAIN, *_PAIRS))


def columns(credential: Credential) -> dict[str, Any]:
    """Return the columns that keep *credential*."""
    columns: dict[str, Any] = {name: getattr(credential, name) for name in _PLAIN}
    columns["owner_kind"], columns["owner_id"] = credential.owner
    columns["created_by_kind"], columns["created_by_id"] = credential.created_by
    columns["name_folded"] = credential.name.casefold()
    columns["description_folded"] = credential.description.casefold()
    return columns


def credential(row: Sequence[Any]) -> Credential:
    """Read one row of the columns ``SHOWN``, as either driver gives it."""
    values = dict(zip(_PLAIN, row, strict=False))
    owner_kind, owner_id, by_kind, by_id = row[len(_PLAIN) :]
    id_ = values["id"]
    values |= {
        "id": id_ if isinstance(id_, UUID) else UUID(id_),
        "kind": Kind(values["kind"]),
        "is_active": bool(values["is_active"]),
        "scopes": tuple(orjson.loads(values["scopes"])),
        "allowed_ips": tuple(orjson.loads(values["allowed_ips"])),
        "attributes": orjson.loads(values["attributes"]),
        "owner": Owner(OwnerKind(owner_kind), owner_id),
        "created_by": Actor(by_kind, by_id),
        "retain_minutes": values["retain_minutes"] or 0,
    }
    for name in _MOMENTS:
        values[name] = moment(values[name])
    return Credential(**values)


_MOMENTS = tuple(name for name in _PLAIN if name.endswith(("_at", "_until")))
