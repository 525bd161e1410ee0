"""Whom a guard has let in."""

from datetime import datetime
from typing import Any
from typing import NamedTuple

from flask import has_request_context
from flask import request
from werkzeug.local import LocalProxy

from keysvc.current import application
from keysvc.current import let_in
from keysvc.guard.judge import Known
from keysvc.model import Owner


class CurrentCredential(NamedTuple):
    """Whose credential the request at hand carries, and what it may do."""

    kind: str
    id: str
    owner: Owner
    name: str
    scopes: tuple[str, ...]
    role_ids: tuple[str, ...]
    expires_at: datetime | None


def _current() -> CurrentCredential:
    held = None
    if has_request_context():
        held = let_in(request.environ, application())
    if held is None:
        raise RuntimeError("current_credential is there only inside of require_key.")
    known: Known = held.known
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
