"""Keep what a request with an idempotency key was answered first, sealed."""

from datetime import datetime

from keysvc.store import turns
from keysvc.store.tables import FirstAnswerRow


def take_turn(key_hash: str) -> bool:
    """Tell whether no other transaction works on this key; until this one ends."""
    return turns.take(int(key_hash[:15], 16))


def find(key_hash: str, now: datetime) -> tuple[str, str] | None:
    """Return the hash of the first request and its sealed answer, if there was one."""
    row = FirstAnswerRow.get_or_none(
        FirstAnswerRow.key_hash == key_hash, FirstAnswerRow.until > now
    )
    return None if row is None else (row.request_hash, row.sealed)


def keep(key_hash: str, request_hash: str, sealed: str, until: datetime) -> None:
    """Keep the first answer; one whose time is over makes room."""
    FirstAnswerRow.delete().where(FirstAnswerRow.key_hash == key_hash).execute()
    FirstAnswerRow.insert(
        key_hash=key_hash, request_hash=request_hash, sealed=sealed, until=until
    ).execute()


def purge(now: datetime) -> None:
    """Forget the answers whose time is over."""
    FirstAnswerRow.delete().where(FirstAnswerRow.until <= now).execute()
