"""Credentials as plain facts: for the audit, and for answers that are given again."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from keysvc.model import Actor
from keysvc.model import Caller
from keysvc.model import Credential
from keysvc.model import Draft
from keysvc.model import Entry
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import ServiceAccount

_CHANGEABLE = [field.name for field in fields(Draft)]
_RECORDED = [*_CHANGEABLE, "rotated_at", "retain_minutes"]

_MOMENTS = {
    field.name
    for kind in (Credential, ServiceAccount)
    for field in fields(kind)
    if field.name.endswith(("_at", "_until"))
}


def of_draft(draft: Draft) -> dict[str, Any]:
    """Return what a draft says, by name."""
    return {name: getattr(draft, name) for name in _CHANGEABLE}


def entry(
    caller: Caller, action: str, before: Credential | None, after: Credential | None
) -> Entry:
    """Return the audit's entry of a change: the fields that differ, never a secret."""
    subject = after or before
    assert subject is not None
    old, new = changes(_of(before), _of(after))
    return Entry(
        actor=caller.actor,
        origin=caller.origin,
        action=action,
        credential_id=subject.wire_id,
        owner=subject.owner,
        before=old,
        after=new,
    )


def changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return of both only what differs; None stays for what was not there."""
    old, new = before or {}, after or {}
    changed = {n for n in old.keys() | new.keys() if old.get(n) != new.get(n)}
    return (
        None if before is None else {n: v for n, v in old.items() if n in changed},
        None if after is None else {n: v for n, v in new.items() if n in changed},
    )


def issued(answer: Mapping[str, Any]) -> Issued:
    """Return the ``Issued`` that was written as JSON."""
    return Issued(_credential(answer["credential"]), answer["secret"])


def account(answer: Mapping[str, Any]) -> ServiceAccount:
    """Return the ``ServiceAccount`` that was written as JSON."""
    external = answer["external_user_id"]
    values = _with_moments(answer) | {
        "id": UUID(answer["id"]),
        "external_user_id": None if external is None else UUID(external),
        "created_by": Actor(*answer["created_by"]),
    }
    return ServiceAccount(**values)


def _credential(answer: Mapping[str, Any]) -> Credential:
    kind, id_ = answer["owner"]
    values = _with_moments(answer) | {
        "id": UUID(answer["id"]),
        "kind": Kind(answer["kind"]),
        "owner": Owner(OwnerKind(kind), id_),
        "scopes": tuple(answer["scopes"]),
        "allowed_ips": tuple(answer["allowed_ips"]),
        "created_by": Actor(*answer["created_by"]),
    }
    return Credential(**values)


def _with_moments(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if value and name in _MOMENTS else value
        for name, value in answer.items()
    }


def _of(credential: Credential | None) -> dict[str, Any] | None:
    """Return what is recorded of a credential, as JSON can hold it."""
    if credential is None:
        return None
    values = {name: getattr(credential, name) for name in _RECORDED}
    values |= values.pop("attributes")
    if credential.rotated_at is None:
        del values["rotated_at"], values["retain_minutes"]
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
