"""Copy a database into another one, of either engine, and prove that it is the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from keysvc.config import Settings
from keysvc.core.installation import require_keys
from keysvc.core.secrets import ring
from keysvc.core.service import Service
from keysvc.errors import Conflict
from keysvc.model import Head
from keysvc.store import migrate
from keysvc.store import sqlite_files
from keysvc.store import unfinished
from keysvc.store.connection import disconnect
from keysvc.store.connection import reading
from keysvc.store.transfer import NAMES
from keysvc.store.transfer import Side

_MOVED_ON = (
    "The source was written to meanwhile ({what}). Stop the services that use it, and"
    " run this again: it goes on where it is."
)


class Copying:
    """
    A copy under way; from here on the process is bound to its target.

    It may be broken off at any point and begun again, then it goes on. Until it is
    complete, nothing serves the target.
    """

    def __init__(self, service: Service, source: Side) -> None:
        self._service, self._source = service, source
        self._target = Side.bound()
        #: How many audit records were found good in the end.
        self.good = 0

    @property
    def total(self) -> int:
        """Return how many rows there are to copy."""
        with self._source.held():
            return sum(map(self._source.count, NAMES))

    def bring(self) -> Iterator[int]:
        """Make the target like the source, in batches; yield how many rows are done."""
        with self._source.held():
            # First of all, lest a name that has passed to another row be taken there.
            for table in NAMES:
                self._clear(table)
            for table in NAMES:
                for rows in self._source.batches(table):
                    there = self._target.find(table, rows)
                    self._target.add(table, [rows[k] for k in rows if k not in there])
                    yield len(rows)

    def prove(self) -> Iterator[int]:
        """
        Compare all rows, and check the audit; yield how many rows are done.

        With what the source is by now: what was written since ``bring`` shows.

        Raises:
            Conflict: If they differ, or the audit is broken in both.
        """
        differing: dict[str, int] = {}
        with self._source.held():
            head = self._source.head()
            for table in NAMES:
                differing[table] = self._excess(table)
                for rows in self._source.batches(table):
                    there = self._target.find(table, rows)
                    unlike = sum(there.get(key) != row for key, row in rows.items())
                    differing[table] += unlike
                    yield len(rows)
        if what := [f"{name}: {count}" for name, count in differing.items() if count]:
            raise Conflict(_MOVED_ON.format(what=", ".join(what)))
        self._finish(head)

    def _clear(self, table: str) -> None:
        """Take out of the target what is not, or no longer, like in the source."""
        for rows in self._target.batches(table):
            there = self._source.find(table, rows)
            if wrong := [key for key, row in rows.items() if there.get(key) != row]:
                self._target.remove(table, wrong)

    def _excess(self, table: str) -> int:
        return max(0, self._target.count(table) - self._source.count(table))

    def _finish(self, head: Head) -> None:
        with self._source.held():
            if self._source.head() != head:
                raise Conflict(_MOVED_ON.format(what="its audit has grown"))
        finding = self._service.ledger.verify(head)
        self.good = finding.good
        unfinished.end()
        if finding.flaw is not None:
            raise Conflict(
                "The copy is complete, and its audit is broken as that of the source"
                f" is: {finding.flaw}."
            )


@contextmanager
def copying(settings: Settings, source_url: str, target_url: str) -> Iterator[Copying]:
    """
    Begin a copy, or go on with it, under the lock of whoever migrates the target.

    Raises:
        Misconfigured: If an URL is wrong, or the ring is not that of the source.
        Conflict: If the target holds anything but an unfinished copy of the source.
    """
    disconnect()
    with Side.beside(source_url) as source:
        with source.held():
            deployment = source.deployment_id()
            require_keys(source.ring_keys(), ring.load(settings).ids)
        service = Service(replace(settings, database_url=target_url))
        sqlite_files.keep_private()
        with migrate.exclusive(), reading():
            _claim(deployment)
            yield Copying(service, source)


def _claim(source: str) -> None:
    begun = unfinished.source()
    if begun is None and not unfinished.is_empty():
        raise Conflict("The target is not empty: a copy needs a new database.")
    if begun not in {None, source}:
        raise Conflict("The target holds an unfinished copy of another database.")
    migrate.migrate()
    if begun is None:
        unfinished.begin(source)
