"""Open the database of this process: one, pooled, safe to fork."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import peewee
from playhouse import db_url
from playhouse import pool

from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.store.fields import number
from keysvc.store.pools import MEMORY
from keysvc.store.pools import MemoryPool
from keysvc.store.pools import pooled
from keysvc.store.tables import database

# What the drivers raise when the database is away, locked or not yet migrated.
# MaxConnectionsExceeded is a ValueError of the pool's.
_AWAY = (
    peewee.OperationalError,
    peewee.InterfaceError,
    peewee.InternalError,
    peewee.ProgrammingError,
    pool.MaxConnectionsExceeded,
)

_AWAY_NOW = "The database cannot be asked now."

#: What a driver raises, said in Peewee's words; for connections that are not Peewee's.
driver_errors = peewee.ExceptionWrapper(
    {
        error.__name__: error
        for error in (
            peewee.DatabaseError,
            peewee.InterfaceError,
            peewee.InternalError,
            peewee.OperationalError,
            peewee.ProgrammingError,
        )
    }
)

#: Seconds, and milliseconds, after which a PostgreSQL that says nothing at all is away;
#: the system's own patience is more than two hours. A URL may say otherwise.
_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

_bound_to: list[str] = []


def connect(url: str, *, pool_size: int, pool_timeout: float) -> None:
    """
    Bind the tables to the database at *url*, without opening it yet.

    A process has one key store: binding it again to the same URL changes nothing.

    Raises:
        Misconfigured: If *url* is wrong, or another one is bound already.
    """
    if _bound_to == [url]:
        return
    if _bound_to:
        raise Misconfigured(
            "Another keysvc of this process uses another database: "
            "set the same KEYSVC_DATABASE_URL for both."
        )
    if url.partition("?")[0] == MEMORY:
        raise Misconfigured(
            f"KEYSVC_DATABASE_URL is {MEMORY}, which is for the tests of one process,"
            " inside of keysvc.testing.key_store: name a file, as"
            " sqlite:////path/to/file does."
        )
    _bind(url, pool_size, pool_timeout)


def connect_memory() -> str:
    """
    Bind the tables to an empty database in memory, and return the URL that names it.

    Raises:
        Misconfigured: If another one is bound already.
    """
    if _bound_to:
        raise Misconfigured(
            "This process has a key store already: whatever makes an application with"
            " KeyService, or imports a module that does, comes after key_store()."
        )
    _bind(MEMORY, pool_size=20, pool_timeout=5)
    return MEMORY


def _bind(url: str, pool_size: int, pool_timeout: float) -> None:
    database.initialize(opened(url, max_connections=pool_size, timeout=pool_timeout))
    _bound_to.append(url)


def disconnect() -> None:
    """Close every connection and leave the process free to bind another database."""
    if _bound_to:
        database.obj.close_all()
        _bound_to.clear()
        database.initialize(None)


def opened(url: str, **limits: Any) -> peewee.Database:
    """Return the database at *url*, not opened yet, and not bound to any table."""
    scheme = url.partition("://")[0]
    options: dict[str, Any] = (
        {
            "pragmas": {
                "journal_mode": "wal",
                "synchronous": "full",
                "foreign_keys": 1,
                "busy_timeout": 5000,
            },
            # Plain BEGIN lost half of all concurrent read-then-write transactions.
            "lock_type": "IMMEDIATE",
            "check_same_thread": False,
        }
        if scheme == "sqlite"
        else {"prefer_psycopg3": True, "unquote_user": True}
    )
    try:
        found = db_url.connect(pooled(url), unquote_password=True, **options, **limits)
    except (RuntimeError, TypeError, ValueError):
        raise Misconfigured(
            "KEYSVC_DATABASE_URL must look like sqlite:////path/to/file"
            " or postgresql://user:password@host/name."
        ) from None
    # What Peewee makes of a URL without a path; each connection has one of its own.
    if not isinstance(found, peewee.Database) or found.database == ":memory:":
        raise Misconfigured("KEYSVC_DATABASE_URL names no database.")
    if isinstance(found, peewee.SqliteDatabase):
        found.register_function(number, "keysvc_number", 1)
    if isinstance(found, peewee.PostgresqlDatabase):
        # Python cannot read the last day of year 9999 as a zone in the east tells it.
        given = found.connect_params.get("options", "")
        found.connect_params["options"] = f"{given} -c timezone=UTC"
        found.connect_params = _PATIENCE | found.connect_params
    return found


def alone() -> Any:
    """Open a connection of the driver's own, beside the pool and its bounds."""
    return super(pool.PooledDatabase, database.obj)._connect()


class reading:
    """
    Hold a connection but no transaction: SQLite's would lock writers out.

    Inside another one it holds the same connection. A class, since verifications
    come through here and a generator costs several times as much.
    """

    def __enter__(self) -> None:
        self._held = database.obj.connection_context()
        try:
            self._held.__enter__()
        except Exception as error:
            _translate(error)
            raise

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._held.__exit__(kind, error, trace)
        if error is not None:
            _translate(error)


@contextmanager
def writing() -> Iterator[None]:
    """
    Hold a connection and one transaction, committed at the end.

    Not ``with database:``, which keeps a connection whose BEGIN failed.
    """
    with translated(), database.connection_context(), database.atomic():
        yield


@contextmanager
def translated() -> Iterator[None]:
    """Say ``Unavailable`` of what the driver raises while the database is away."""
    try:
        yield
    except Exception as error:
        _translate(error)
        raise


def _translate(error: BaseException) -> None:
    """Say ``Unavailable`` where the database is, without its own words."""
    if isinstance(error, peewee.ImproperlyConfigured):
        raise Misconfigured(
            "KEYSVC_DATABASE_URL names PostgreSQL, and its driver is not installed:"
            " `pip install 'keysvc[postgres]'`."
        ) from error
    # Of a broken file SQLite says no more than DatabaseError itself does.
    if isinstance(error, _AWAY) or type(error) is peewee.DatabaseError:
        raise Unavailable(_AWAY_NOW) from error


def is_memory() -> bool:
    """Tell whether the database of this process is gone with it, and nobody else's."""
    return isinstance(database.obj, MemoryPool)


def is_postgres() -> bool:
    """Tell whether the database of this process is PostgreSQL."""
    return isinstance(database.obj, peewee.PostgresqlDatabase)


def _forget_connections() -> None:
    """Keep a child from talking on its parent's connections."""
    if _bound_to:
        # A thread of the parent's may hold these for ever, as far as the child knows;
        # Peewee makes no new ones by itself.
        database.obj._lock = threading.Lock()
        database.obj._pool_lock = threading.RLock()
        database.obj._pool_available = threading.Condition(database.obj._pool_lock)
        database.obj.dispose()


os.register_at_fork(after_in_child=_forget_connections)
