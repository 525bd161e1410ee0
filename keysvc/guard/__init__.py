"""``require_key``: a host's own views, for those who carry a good credential."""

from keysvc.guard.credential import current_credential
from keysvc.guard.credential import CurrentCredential
from keysvc.guard.errors import KeyExhausted
from keysvc.guard.errors import KeyForbidden
from keysvc.guard.errors import KeyRefused
from keysvc.guard.errors import KeyRequired
from keysvc.guard.errors import KeyUnverified
from keysvc.guard.require import require_key

__all__ = [
    "CurrentCredential",
    "KeyExhausted",
    "KeyForbidden",
    "KeyRefused",
    "KeyRequired",
    "KeyUnverified",
    "current_credential",
    "require_key",
]
