"""Whom a guard has let in."""

from datetime import datetime
from typing import Any
from typing import NamedTuple
from typing import Protocol

from flask import g
from werkzeug.local import LocalProxy

from keysvc.model import Code
from keysvc.model import Owner


class Known(Protocol):
    """What a verification tells of a credential that is good, wherever it was asked."""

    @property
    def principal_kind(self) -> str: ...

    @property
    def principal_id(self) -> str: ...

    @property
    def owner(self) -> Owner: ...

    @property
    def name(self) -> str: ...

    @property
    def scopes(self) -> tuple[str, ...]: ...

    @property
    def role_ids(self) -> tuple[str, ...]: ...

    @property
    def expires_at(self) -> datetime | None: ...


class Finding(NamedTuple):
    """
    What a guard was answered.

    *known* is None with ``UNKNOWN``; *retry_after* are seconds, where they are known.
    """

    code: Code
    known: Known | None = None
    retry_after: int | None = None


class CurrentCredential(NamedTuple):
    """Whose credential the request at hand carries, and what it may do."""

    kind: str
    id: str
    owner: Owner
    name: str
    scopes: tuple[str, ...]
    role_ids: tuple[str, ...]
    expires_at: datetime | None


def remember(known: Known) -> None:
    """Keep whom a guard has let in for the rest of this request."""
    g._keysvc_let_in = known


def remembered() -> Known | None:
    """Return whom a guard of this request has let in before, if one has."""
    known: Known | None = g.get("_keysvc_let_in")
    return known


def _current() -> CurrentCredential:
    known = remembered()
    if known is None:
        raise RuntimeError("current_credential is there only inside of require_key.")
    return CurrentCredential(
        known.principal_kind,
        known.principal_id,
        known.owner,
        known.name,
        known.scopes,
        known.role_ids,
        known.expires_at,
    )


#: What ``require_key`` has let in; only inside of what it guards.
current_credential: Any = LocalProxy(_current)
