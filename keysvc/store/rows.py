"""Credentials as rows: columns out, columns in, without a model on the way."""

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Generic
from typing import TypeVar
from uuid import UUID

import orjson

from keysvc.model import Actor
from keysvc.model import Brief
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store.fields import known_moment
from keysvc.store.tables import CredentialRow

T = TypeVar("T")

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


@dataclass(frozen=True, eq=False)
class View(Generic[T]):
    """What a query tells of each row: some of its columns, and what they become."""

    columns: tuple[Any, ...]
    read: Callable[[Sequence[Any]], T]


def columns(credential: Credential) -> dict[str, Any]:
    """Return the columns that keep *credential*."""
    columns: dict[str, Any] = {name: getattr(credential, name) for name in _PLAIN}
    columns["owner_kind"], columns["owner_id"] = credential.owner
    columns["created_by_kind"], columns["created_by_id"] = credential.created_by
    columns["name_folded"] = credential.name.casefold()
    columns["description_folded"] = credential.description.casefold()
    return columns


def _credential(row: Sequence[Any]) -> Credential:
    """Read one row as either driver gives it."""
    values = dict(zip(_PLAIN, row, strict=False))
    for name, read in _READ.items():
        value = values[name]
        if value is not None:
            values[name] = read(value)
    owner_kind, owner_id, by_kind, by_id = row[len(_PLAIN) :]
    values["owner"] = Owner(OwnerKind(owner_kind), owner_id)
    values["created_by"] = Actor(by_kind, by_id)
    values["retain_minutes"] = values["retain_minutes"] or 0
    return Credential(**values)


def _brief(row: Sequence[Any]) -> Brief:
    public_id, is_active, total_queries, created_at = row
    return Brief(public_id, bool(is_active), total_queries, known_moment(created_at))


def _columns(*names: str) -> tuple[Any, ...]:
    return tuple(getattr(CredentialRow, name) for name in names)


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _words(text: str) -> tuple[str, ...]:
    return tuple(orjson.loads(text))


#: How what is not null is read.
_READ: dict[str, Callable[[Any], Any]] = {
    "id": _uuid,
    "kind": Kind,
    "is_active": bool,
    "scopes": _words,
    "allowed_ips": _words,
    "attributes": orjson.loads,
    **{n: known_moment for n in _PLAIN if n.endswith(("_at", "_until"))},
}

#: All that is shown of a credential.
FULL = View(_columns(*_PLAIN, *_PAIRS), _credential)

#: What is told of one among many.
BRIEF = View(_columns(*Brief._fields), _brief)
