"""Who may come to the credentials of an owner, and in which order that is judged."""

from collections.abc import Iterator
from contextlib import contextmanager

from keysvc.core import access
from keysvc.core.people.accounts import require_open
from keysvc.core.people.accounts import require_there
from keysvc.errors import Conflict
from keysvc.model import Caller
from keysvc.model import Credential
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import credentials as store
from keysvc.store.connection import reading


def enter(caller: Caller, owner: Owner, scope: str) -> None:
    """
    Judge realm and scope before anything is read.

    Of a service account the scope comes later: whether it exists is told first there.
    """
    access.require_realm(caller, owner)
    if owner.kind is not OwnerKind.SERVICE_ACCOUNT:
        access.require_scope(caller, scope)


@contextmanager
def looking(caller: Caller, kind: Kind, owner: Owner) -> Iterator[None]:
    """Hold a connection for *caller*, who may read the credentials of *owner*."""
    scope = access.scope_of(kind, "read")
    enter(caller, owner, scope)
    with reading():
        require_there(owner)
        access.require_read(caller, owner, scope)
        yield


def taken(caller: Caller, kind: Kind, owner: Owner, reference: str) -> Credential:
    """Return one credential, locked, that *caller* may write."""
    require_there(owner)
    found = store.get(kind, owner, reference, locked=True)
    require_ours(caller, found, access.scope_of(kind, "write"))
    return found


def require_ours(caller: Caller, found: Credential, scope: str) -> None:
    """
    Make sure that *caller* may change what was found in a realm of his.

    Raises:
        Forbidden: If he lacks *scope*, or outside authentication made its owner.
        Conflict: If it is managed.
    """
    require_open(found.owner, caller, scope)
    if found.is_managed and caller.kind != "cli":
        raise Conflict(
            f"{found.wire_id} is managed: only the command line may change it."
        )
