"""Sessions: what a login gets, for a while."""

import logging
from datetime import datetime
from datetime import timedelta
from uuid import UUID
from uuid import uuid4

from keysvc.config import Settings
from keysvc.core.clock import Clock
from keysvc.core.housekeeping import Housekeeping
from keysvc.core.ledger.ledger import Ledger
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.people.operators import Operators
from keysvc.core.secrets.vault import Vault
from keysvc.core.tally import Tally
from keysvc.core.verification.callers import code_of
from keysvc.core.verification.limits import Limit
from keysvc.core.verification.presented import Token
from keysvc.core.verification.verifier import Verifier
from keysvc.errors import KeysvcError
from keysvc.errors import UnknownCredential
from keysvc.model import Actor
from keysvc.model import Caller
from keysvc.model import Code
from keysvc.model import Entry
from keysvc.model import KeyLogin
from keysvc.model import Kind
from keysvc.model import Login
from keysvc.model import Origin
from keysvc.model import Owner
from keysvc.model import PasswordLogin
from keysvc.model import Session
from keysvc.store import credentials
from keysvc.store import sessions as store
from keysvc.store.connection import reading

log = logging.getLogger(__name__)

#: Seconds in which failed logins are counted.
_PERIOD = 60.0


class Sessions:
    """
    Log in, and end what a login began.

    Failed password logins are limited per name and address, and per address; never
    per name alone, or anyone could lock anyone out.
    """

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        mint: Mint,
        verifier: Verifier,
        operators: Operators,
        ledger: Ledger,
        housekeeping: Housekeeping,
        tally: Tally,
        now: Clock,
    ) -> None:
        self._lifetime = timedelta(seconds=settings.session_lifetime)
        self._vault, self._mint, self._verifier = vault, mint, verifier
        self._operators, self._ledger, self._now = operators, ledger, now
        self._housekeeping, self._tally = housekeeping, tally
        self._failures = Limit("login", settings.login_failures, _PERIOD, now)

    def log_in(self, login: PasswordLogin | KeyLogin, origin: Origin) -> Login:
        """
        Begin a session of whom *login* stands for.

        Raises:
            UnknownCredential, InactiveCredential, ExpiredCredential: If it is not good.
            AddressNotAllowed: If it is good, but not from this address.
            RateLimited: If too many logins with a password have failed.
        """
        self._housekeeping.start()
        try:
            if isinstance(login, KeyLogin):
                begun = self._by_key(login.token, origin)
            else:
                begun = self._by_password(login, origin)
        except KeysvcError as error:
            self._tell(login, code_of(error))
            raise
        self._tell(login, Code.VALID)
        return begun

    def _tell(self, login: PasswordLogin | KeyLogin, code: Code | None) -> None:
        """Count a login; of one that is refused the log tells, but for the name."""
        if code is None:
            return
        by = Kind.API_KEY if isinstance(login, KeyLogin) else "password"
        self._tally[by, code].append(0.0)
        if code is not Code.VALID:
            # People type passwords where a name belongs.
            log.info("login refused", extra={"by": by, "code": code})

    def _by_password(self, login: PasswordLogin, origin: Origin) -> Login:
        address = origin.address or ""
        subjects = [f"{address}\0{login.name}", address]
        with self._failures.of_failures(subjects, UnknownCredential):
            operator, generation = self._operators.prove(login.name, login.password)
        actor = Actor("operator", str(operator.id))
        return self._begin(
            actor, operator.owner, origin, generation, operator_id=str(operator.id)
        )

    def _by_key(self, token: str, origin: Origin) -> Login:
        caller = self._verifier.admit(Token(token, Kind.API_KEY), origin)
        return self._begin(
            caller.actor,
            caller.owner,
            origin,
            caller.generation,
            credential_id=caller.credential_id,
            ends=caller.expires_at,
        )

    def every(self) -> list[Session]:
        """Return the sessions whose time is not over."""
        with reading():
            return store.alive(self._now())

    def end(self, caller: Caller, id_: str) -> None:
        """End one session."""
        with self._ledger.unit() as record:
            session = store.get(id_)
            store.delete(session.id)
            record(
                Entry(
                    actor=caller.actor,
                    origin=caller.origin,
                    action="session.end",
                    credential_id=str(session.id),
                )
            )

    def _begin(
        self,
        actor: Actor,
        owner: Owner | None,
        origin: Origin,
        generation: int,
        *,
        operator_id: str | None = None,
        credential_id: UUID | None = None,
        ends: datetime | None = None,
    ) -> Login:
        minted, now = self._mint.session(), self._now()
        expires = min(
            now + self._lifetime, ends or datetime.max.replace(tzinfo=now.tzinfo)
        )
        session = Session(
            id=uuid4(),
            operator_id=operator_id,
            credential_id=credential_id,
            public_id=minted.public_id,
            generation=generation,
            created_at=now,
            expires_at=expires,
        )
        kept = self._vault.protect(session.id, minted.secret, sealed=False)
        with self._ledger.unit() as record:
            store.add(session, kept)
            if credential_id is not None:
                credentials.log_in(credential_id, now)
            record(
                Entry(
                    actor=actor,
                    origin=origin,
                    action="session.create",
                    credential_id=str(session.id),
                    owner=owner,
                )
            )
        return Login(session, minted.shown, int((expires - now).total_seconds()))
