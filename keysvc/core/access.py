"""Who may do what, and where. Pure functions, asked by every use case."""

import re
from collections.abc import Iterable
from datetime import datetime
from ipaddress import collapse_addresses
from ipaddress import ip_address
from ipaddress import ip_network
from typing import Any

from keysvc.errors import Forbidden
from keysvc.errors import NotFound
from keysvc.model import Caller
from keysvc.model import Draft
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind

ANY_REALM = "realm:any"

_SCOPE = re.compile(r"[a-z0-9._:/*-]{1,100}")

#: The realm of whoever has none: nothing belongs to it.
_NOBODY = Owner(OwnerKind.OPERATOR, "")

#: The area of scopes that each family's credentials lie in.
_AREA = {
    Kind.KEYPAIR: "keypairs",
    Kind.API_KEY: "api-keys",
    Kind.ACCESS_KEY: "access-keys",
}


def is_scope(text: str) -> bool:
    """Tell whether *text* can be a scope at all."""
    return _SCOPE.fullmatch(text) is not None


def scope_of(kind: Kind, action: str) -> str:
    """Return the scope that *action* (read, write) on credentials of *kind* needs."""
    return f"{_AREA[kind]}:{action}"


def covers(held: Iterable[str], wanted: str) -> bool:
    """
    Tell whether one of the *held* scopes includes the *wanted* one.

    ``*`` is a wildcard alone (for everything) or after the last colon (for all that
    begins like what precedes it), and a plain character anywhere else.
    """
    return any(
        scope == wanted
        or scope == "*"
        or (scope.endswith(":*") and wanted.startswith(scope[:-1]))
        for scope in held
    )


def covers_all(held: Iterable[str], wanted: Iterable[str]) -> bool:
    """Tell whether every *wanted* scope is covered by one of the *held* ones."""
    held = tuple(held)
    return all(covers(held, scope) for scope in wanted)


def reaches(caller: Caller, owner: Owner) -> bool:
    """Tell whether *owner* is the caller's realm, or the caller may act in any."""
    return caller.owner == owner or covers(caller.scopes, ANY_REALM)


def realm_of(caller: Caller) -> Owner | None:
    """Return whose things *caller* may look through; None for everyone's."""
    everywhere = covers(caller.scopes, ANY_REALM)
    return None if everywhere else caller.owner or _NOBODY


def require_realm(caller: Caller, owner: Owner) -> None:
    """Raise ``NotFound`` of a foreign realm: the caller learns nothing of it."""
    if not reaches(caller, owner):
        raise NotFound


def require_read(caller: Caller, owner: Owner, scope: str) -> None:
    """
    Raise ``Forbidden`` unless *caller* may read what belongs to *owner*.

    A service account may always read itself and its own keys.
    """
    itself = owner.kind is OwnerKind.SERVICE_ACCOUNT and caller.owner == owner
    if not itself:
        require_scope(caller, scope)


def require_scope(caller: Caller, scope: str) -> None:
    """Raise ``Forbidden`` unless *caller* holds *scope*."""
    if not covers(caller.scopes, scope):
        raise Forbidden(f"This needs the scope {scope}.")


def require_ceiling(caller: Caller, before: Draft | None, after: Draft) -> None:
    """
    Keep *caller* from making a credential that is more than itself.

    Args:
        before: What is changed, or None for a new credential.
        after: What it becomes.

    Raises:
        Forbidden: If the change adds anything beyond the caller's own limits.
    """
    if before is not None and not loosens(before, after):
        return
    scopes = (*(before.scopes if before else ()), *after.scopes)
    if not covers_all(caller.scopes, scopes):
        raise Forbidden("scopes: nobody grants scopes beyond his own.")
    if not _ends_before(after.expires_at, caller.expires_at):
        raise Forbidden("expiresAt: no credential makes one that outlives it.")
    if not _addresses_within(after.allowed_ips, caller.allowed_ips):
        raise Forbidden("allowedIps: no credential makes one that accepts more.")
    if not _at_most(after.rate_limit, caller.rate_limit):
        raise Forbidden("rateLimit: no credential makes one with a looser limit.")
    if not _at_most(after.remaining, caller.remaining):
        raise Forbidden("remaining: no credential makes one with a larger quota.")


def loosens(before: Draft, after: Draft) -> bool:
    """Tell whether *after* can do anything that *before* could not."""
    return (
        (after.is_active and not before.is_active)
        or not covers_all(before.scopes, after.scopes)
        or not _ends_before(after.expires_at, before.expires_at)
        or not _addresses_within(after.allowed_ips, before.allowed_ips)
        or not _at_most(after.rate_limit, before.rate_limit)
        or not _at_most(after.remaining, before.remaining)
    )


def address_allowed(allowed: tuple[str, ...], address: str | None) -> bool:
    """
    Tell whether *address* lies in one of the *allowed* networks, if there are any.

    An IPv4 address in IPv6 clothes (``::ffff:192.0.2.1``) counts as what it is.
    """
    return not allowed or lies_within(address, allowed)


def lies_within(address: str | None, networks: Iterable[str]) -> bool:
    """Tell whether *address*, if it is one, lies in any of these *networks*."""
    try:
        peer = ip_address(address or "")
    except ValueError:
        return False
    peer = getattr(peer, "ipv4_mapped", None) or peer
    return any(peer in ip_network(network) for network in networks)


def is_loopback(address: str | None) -> bool:
    """Tell whether *address* is one of this machine's own."""
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False


def _ends_before(moment: datetime | None, limit: datetime | None) -> bool:
    return limit is None or (moment is not None and moment <= limit)


def _at_most(value: int | None, limit: int | None) -> bool:
    return limit is None or (value is not None and value <= limit)


def _addresses_within(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    """Tell whether every address that *inner* accepts is one that *outer* accepts."""
    return not outer or (
        bool(inner) and all(_contain(outer, network) for network in inner)
    )


def _contain(outer: tuple[str, ...], inner: str) -> bool:
    """Tell whether *outer* hold all of *inner*, maybe only together."""
    wanted = ip_network(inner)
    alike: Any = [n for n in map(ip_network, outer) if n.version == wanted.version]
    return any(wanted.subnet_of(whole) for whole in collapse_addresses(alike))
