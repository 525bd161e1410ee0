"""From nothing to a running service: the ring, the tables, the first administrator."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from keysvc.config import Settings
from keysvc.core.clock import Clock
from keysvc.core.lifecycle.credentials import Credentials
from keysvc.core.secrets import ring as rings
from keysvc.core.secrets.vault import Vault
from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.model import Caller
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store import connection
from keysvc.store import credentials
from keysvc.store import deployment
from keysvc.store import migrate
from keysvc.store import operators
from keysvc.store import ring as store
from keysvc.store import unfinished

log = logging.getLogger(__name__)

EVERYTHING = "*"
_ADMIN = Owner(OwnerKind.USER, "admin")


class Prepared(NamedTuple):
    """What ``prepare`` had to do."""

    ring: Path | None
    migrations: list[str]


class Installation:
    """Whether this process and its database fit together, and how to make them."""

    def __init__(
        self, settings: Settings, vault: Vault, credentials: Credentials, now: Clock
    ) -> None:
        self._settings, self._vault = settings, vault
        self._credentials, self._now = credentials, now
        self._accepted = False

    def ensure_ready(self) -> None:
        """
        Make sure, once, that the database is migrated and belongs to this ring.

        Raises:
            Unavailable: If the database is away, or not migrated.
            Misconfigured: If the ring is missing or a foreign one.
        """
        if self._accepted:
            return
        self._refuse_pending()
        self._refuse_unfinished()
        self._accept_ring()
        self._accepted = True

    def _refuse_unfinished(self) -> None:
        if unfinished.source() is not None:
            raise Unavailable(
                "A copy into this database is not complete: run `keysvc copy` again."
            )

    def _refuse_pending(self) -> None:
        if pending := migrate.pending():
            raise Unavailable(
                f"Migrations are pending ({', '.join(pending)}): run `keysvc migrate`."
            )

    def has_ring(self) -> bool:
        """Tell whether a ring is set at all."""
        return rings.exists(self._settings)

    def deployment_id(self) -> str:
        """Return the id of this deployment: the same for ever."""
        with connection.reading():
            return deployment.deployment_id()

    def database_type(self) -> str:
        """Return what ZenML's client calls the engine: it knows no PostgreSQL."""
        return "other" if connection.is_postgres() else "sqlite"

    def check(self) -> None:
        """Raise like ``ensure_ready``, asking the database anew; change nothing."""
        self._refuse_pending()
        self._refuse_unfinished()
        self._refuse_foreign_ring()

    def prepare(self) -> Prepared:
        """
        Make the ring if none is set, make or migrate the database.

        Raises:
            Misconfigured: If the database belongs to a ring that is not here, or a
                file cannot be written.
        """
        try:
            self._settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with migrate.exclusive():
                self._refuse_unfinished()
                applied = migrate.migrate()
                made = self._make_ring()
                self._accept_ring()
        except OSError as error:
            raise Misconfigured(
                f"{error.filename} cannot be written: {error.strerror}."
                " KEYSVC_HOME names a directory where keysvc may write."
            ) from error
        return Prepared(made, applied)

    def first_administrator(self, caller: Caller) -> Issued | None:
        """Issue an administrator's keypair unless there is an administrator."""
        with migrate.exclusive():
            return None if self.has_administrator() else self.administrator(caller)

    def administrator(self, caller: Caller) -> Issued:
        """Issue a keypair of the user ``admin`` that may do everything."""
        draft = Draft(scopes=(EVERYTHING,), description="administrator")
        return self._credentials.issue(caller, Kind.KEYPAIR, _ADMIN, draft)

    def has_administrator(self) -> bool:
        """Tell whether any credential or operator that works now may do everything."""
        with connection.reading():
            if any(o.is_active and EVERYTHING in o.scopes for o in operators.every()):
                return True
            holders = credentials.holders_of(EVERYTHING)
        now = self._now()
        return any(c.expires_at is None or c.expires_at > now for c in holders)

    def _make_ring(self) -> Path | None:
        if self.has_ring():
            return None
        with connection.reading():
            known = store.known()
        require_keys(known, ())
        rings.create(self._settings.ring_file)
        return self._settings.ring_file

    def _accept_ring(self) -> None:
        """Accept the ring, and note its first key if that is new."""
        if self._refuse_foreign_ring():
            with connection.writing():
                store.remember(self._vault.ring.maker, self._now())

    def _refuse_foreign_ring(self) -> bool:
        """
        Refuse a ring that lacks a known key, or begins with one that was dropped.

        Returns:
            Whether its first key is new here.
        """
        ring = self._vault.ring
        with connection.reading():
            known = store.known()
            if known - set(ring.ids):
                ring = self._vault.reload()
            dropped = ring.maker not in known and store.is_dropped(ring.maker)
        require_keys(known, ring.ids)
        if dropped:
            raise Misconfigured(
                f"The first key of the ring, {ring.maker}, was dropped: take it out."
            )
        return ring.maker not in known


def require_keys(known: set[str], ids: Iterable[str]) -> None:
    """
    Refuse a ring of the keys *ids* for a database that knows others.

    Raises:
        Misconfigured: Naming the keys that it needs.
    """
    if missing := known.difference(ids):
        raise Misconfigured(
            "The database belongs to another ring of secret keys: it needs"
            f" {', '.join(sorted(missing))}. Set KEYSVC_SECRET_KEYS or"
            " KEYSVC_SECRET_KEYS_FILE to the ring it was made with."
        )
