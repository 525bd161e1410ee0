"""The parts of the core, put together."""

from functools import partial

from keysvc.config import Settings
from keysvc.core.announcements import Listener
from keysvc.core.announcements import SILENCE
from keysvc.core.clock import Clock
from keysvc.core.clock import utcnow
from keysvc.core.cursors import Cursors
from keysvc.core.housekeeping import Housekeeping
from keysvc.core.installation import Installation
from keysvc.core.ledger.feed import Feed
from keysvc.core.ledger.ledger import Ledger
from keysvc.core.ledger.retention import Retention
from keysvc.core.lifecycle.credentials import Credentials
from keysvc.core.lifecycle.idempotency import Idempotency
from keysvc.core.lifecycle.leaks import Leaks
from keysvc.core.lifecycle.lifetimes import Lifetimes
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.lifecycle.rotation import Rotation
from keysvc.core.lifecycle.upkeep import Upkeep
from keysvc.core.people.accounts import ServiceAccounts
from keysvc.core.people.current_user import current_user
from keysvc.core.people.operators import Operators
from keysvc.core.people.passwords import Passwords
from keysvc.core.people.sessions import Sessions
from keysvc.core.secrets import ring
from keysvc.core.secrets.rekeying import Rekeying
from keysvc.core.secrets.vault import Vault
from keysvc.core.tally import Tallies
from keysvc.core.verification.cache import Cache
from keysvc.core.verification.counters import Counters
from keysvc.core.verification.inquiries import Inquiries
from keysvc.core.verification.proofs import Prover
from keysvc.core.verification.recognition import Recognition
from keysvc.core.verification.replay import Replay
from keysvc.core.verification.verifier import Verifier
from keysvc.errors import Unavailable
from keysvc.store.connection import connect

#: Seconds that the feed may take for its first word, or to come back.
_PATIENCE = 1.0


class Service:
    """What one application holds of keysvc."""

    def __init__(
        self, settings: Settings, now: Clock = utcnow, listener: Listener = SILENCE
    ) -> None:
        connect(
            settings.database,
            pool_size=settings.pool_size,
            pool_timeout=settings.pool_timeout,
        )
        self.settings, self.now, self._ready = settings, now, False
        self.tallies = Tallies()
        vault, mint = Vault(lambda: ring.load(settings)), Mint(settings)
        if settings.secret_keys:
            # One that cannot be right stops the start; a file may still be made.
            vault.reload()
        cache, cursors = Cache(settings.cache_size), Cursors(vault)
        self.feed = Feed(cache)
        self.ledger = Ledger(
            vault, cursors, cache, now, settings.audit_head_interval, listener
        )
        self.retention = Retention(vault, self.ledger, now, settings.audit_retention)
        self.housekeeping = Housekeeping(now, self.retention.sweep)
        once = Idempotency(vault, self.housekeeping, now)
        self.counters = Counters(settings.flush_interval)
        prover, replay = Prover(vault), Replay(self.housekeeping)
        self.verifier = Verifier(
            prover,
            mint,
            cache,
            self.feed,
            self.counters,
            replay,
            self.tallies.verifications,
            now,
            listener,
        )
        self.inquiries = Inquiries(self.verifier)
        self.leaks = Leaks(Recognition(prover, mint, now), self.ledger, now)
        self.token_kinds = mint.token_kinds()
        rotation = Rotation(vault, mint, now)
        self.credentials = Credentials(
            *(vault, mint, rotation, Lifetimes(settings)),
            *(self.ledger, once, cursors, now),
        )
        self.upkeep = Upkeep(rotation, self.ledger, cursors, now)
        self.accounts = ServiceAccounts(self.ledger, once, now)
        passwords = Passwords(settings.password_cost)
        self.operators = Operators(passwords, self.ledger, now)
        self.sessions = Sessions(
            settings,
            vault,
            mint,
            self.verifier,
            self.operators,
            self.ledger,
            self.housekeeping,
            self.tallies.logins,
            now,
        )
        self.rekeying = Rekeying(settings, vault, self.ledger, now)
        self.current_user = partial(
            current_user, operators=self.operators, accounts=self.accounts
        )
        self.installation = Installation(settings, vault, self.credentials, now)

    def check(self) -> None:
        """
        Raise like ``ensure_ready``, asking anew; also if the feed is not heard of.

        Without the feed every answer would still be right, and slow.
        """
        self.installation.check()
        if not self.feed.wait_until_fresh(_PATIENCE):
            raise Unavailable("The change feed is away.")

    def ensure_ready(self) -> None:
        """Raise as ``Installation.ensure_ready`` does; from then on keep house."""
        if not self._ready:
            self.installation.ensure_ready()
            self.ledger.watch()
            self.housekeeping.start()
            self._ready = True
