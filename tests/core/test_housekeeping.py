"""What is over is forgotten, in one sweep; what is not stays."""

from datetime import datetime
from datetime import timedelta
from datetime import UTC
from uuid import uuid4

import pytest

from keysvc.commands.group import operator
from keysvc.core.housekeeping import Housekeeping
from keysvc.core.service import Service
from keysvc.core.verification.signing import WINDOW
from keysvc.errors import Unavailable
from keysvc.errors import UnknownCredential
from keysvc.model import Origin
from keysvc.model import PasswordLogin
from keysvc.store import first_answers
from keysvc.store import rates
from keysvc.store import replay
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import FirstAnswerRow
from keysvc.store.tables import RateRow
from keysvc.store.tables import SessionRow
from keysvc.store.tables import Table
from keysvc.store.tables import UsedSignatureRow

NOW = datetime.now(UTC)
SWEPT: tuple[type[Table], ...] = (UsedSignatureRow, SessionRow, FirstAnswerRow, RateRow)
SECOND = timedelta(seconds=1)


@pytest.fixture
def kept(service: Service) -> datetime:
    """Keep one of each that ends at the same time, and return when."""
    service.installation.ensure_ready()
    service.operators.add(operator(), "ann", "a password of hers", ())
    service.sessions.log_in(PasswordLogin("ann", "a password of hers"), Origin())
    until = NOW + timedelta(hours=1)
    with writing():
        SessionRow.update(expires_at=until).execute()
        RateRow.delete().execute()
        # An hour and a window longer than it says: clocks differ, and are set.
        replay.add("a" * 64, until - WINDOW - timedelta(hours=1))
        first_answers.keep("b" * 64, "c" * 64, "sealed", until)
        rates.take("login:x", until.timestamp() - 6, rates.pace(10, 60))
    return until


def counts() -> list[int]:
    with reading():
        return [table.select().count() for table in SWEPT]


def test_what_is_over_is_forgotten_and_not_before(kept: datetime) -> None:
    Housekeeping(lambda: kept - SECOND).purge()
    assert counts() == [1, 1, 1, 1]

    Housekeeping(lambda: kept + SECOND).purge()
    assert counts() == [0, 0, 0, 0]


def test_only_what_is_over_is_forgotten(kept: datetime) -> None:
    later = kept + timedelta(hours=1)
    with writing():
        replay.add("d" * 64, later)
        first_answers.keep("e" * 64, "c" * 64, "sealed", later)
        rates.take("login:y", later.timestamp(), rates.pace(10, 60))

    Housekeeping(lambda: kept + SECOND).purge()

    assert counts() == [1, 0, 1, 1]


def test_it_waits_while_the_database_is_away(
    kept: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(now: datetime) -> None:
        raise Unavailable

    housekeeping = Housekeeping(lambda: kept + SECOND)
    with monkeypatch.context() as patch:
        patch.setattr("keysvc.store.sessions.purge", away)
        housekeeping.purge()
    assert counts() == [0, 1, 1, 1]

    housekeeping.purge()
    assert counts() == [0, 0, 0, 0]


def test_whoever_keeps_what_ends_begins_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[bool] = []
    monkeypatch.setattr(service.housekeeping, "start", lambda: begun.append(True))
    with pytest.raises(UnknownCredential):
        service.sessions.log_in(PasswordLogin("nobody", str(uuid4())), Origin())
    assert begun
