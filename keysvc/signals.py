"""
Signals (blinker), as Flask's own: sent after what they tell of has happened.

The sender is the application. Receivers take keyword arguments, and more may come:

* ``credential_issued``, ``credential_changed``, ``credential_deleted``: *kind*, *id*,
  *owner*, *actor* (kind and id of who did it), *action* (as in the audit), *before* and
  *after* (the fields that differ). Sent once the transaction is committed.
* ``verification_refused``: *code*; and *kind*, *id*, *owner*, which are None unless the
  secret was right.

No signal holds a secret. What a receiver raises is logged, and changes nothing: that
which it was told has happened.
"""

import logging
from inspect import iscoroutinefunction
from typing import Any

from blinker import NamedSignal
from blinker import Namespace
from flask import Flask
from flask import has_request_context
from flask import request

from keysvc.auth.refusals import log_refusal
from keysvc.model import Code
from keysvc.model import Entry
from keysvc.model import Kind
from keysvc.model import OwnerKind
from keysvc.traces import trace_of

log = logging.getLogger(__name__)

_signals = Namespace()
credential_issued = _signals.signal("credential-issued")
credential_changed = _signals.signal("credential-changed")
credential_deleted = _signals.signal("credential-deleted")
verification_refused = _signals.signal("verification-refused")

_CHANGES = {
    "credential.create": credential_issued,
    "credential.update": credential_changed,
    "credential.leak": credential_changed,
    "credential.rotate": credential_changed,
    "credential.delete": credential_deleted,
}

#: Whose credentials are of which family.
_KINDS = {
    OwnerKind.USER: Kind.KEYPAIR,
    OwnerKind.SERVICE_ACCOUNT: Kind.API_KEY,
    OwnerKind.ORGANIZATION: Kind.ACCESS_KEY,
}


class Announcer:
    """Tells the receivers of *app* what the core lets be heard."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def changed(self, entry: Entry) -> None:
        """Tell of a change of a credential."""
        signal = _CHANGES.get(entry.action)
        if signal is None or entry.owner is None:
            return
        self._send(
            signal,
            kind=_KINDS[entry.owner.kind].value,
            id=entry.credential_id,
            owner=entry.owner,
            actor=entry.actor,
            action=entry.action,
            before=entry.before,
            after=entry.after,
        )

    def refused(self, code: Code, principal: Any) -> None:
        """Tell of a refused verification, the log too."""
        # Forward auth knows no Flask, and logs by itself.
        if has_request_context():
            log_refusal(code, principal, request.environ)
        self._send(
            verification_refused,
            code=code,
            kind=principal and principal.principal_kind,
            id=principal and principal.principal_id,
            owner=principal and principal.owner,
        )

    def _send(self, signal: NamedSignal, **said: Any) -> None:
        if not signal.receivers or signal.is_muted:
            return
        for receiver in signal.receivers_for(self._app):
            try:
                if iscoroutinefunction(receiver):
                    receiver = self._app.async_to_sync(receiver)
                receiver(self._app, **said)
            except Exception as error:
                log.error("a receiver of %s failed\n%s", signal.name, trace_of(error))
