"""Work that is done every so often, in a thread of its own."""

import atexit
import logging
import os
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from weakref import WeakSet

from keysvc.traces import trace_of

log = logging.getLogger(__name__)


class Background:
    """
    Do *work* every *interval* seconds, and once more when the process ends in peace.

    The thread begins with the first ``start`` of a process: a fork takes none along.

    Args:
        forget: Called in the child of a fork, to drop what belongs to the parent.
        end: Called to end a turn that would wait; then there is no last one.
    """

    def __init__(
        self,
        name: str,
        interval: float,
        work: Callable[[], None],
        forget: Callable[[], None] = lambda: None,
        end: Callable[[], None] | None = None,
    ) -> None:
        self._name, self._interval = name, interval
        self._work, self._forget, self._end = work, forget, end
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        _all.add(self)

    def start(self) -> None:
        """Begin, unless it has begun; again, if its thread has died."""
        if self._runs():
            return
        with self._lock:
            if not self._runs():
                self._thread = threading.Thread(
                    target=self._run, name=self._name, daemon=True
                )
                self._thread.start()
                _finish_with_child()

    def finish(self) -> None:
        """Stop the thread, after a last turn of the work."""
        with self._lock:
            thread = self._thread
        if thread is not None and not self._stop.is_set():
            self._stop.set()
            if self._end is not None:
                self._end()
            # A turn under way would be cut off with the process: it is a daemon.
            thread.join()
            if self._end is None:
                self._turn()

    def after_fork(self) -> None:
        """Stand in the child as if nothing had begun."""
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread = None
        self._forget()

    def _runs(self) -> bool:
        return self._thread is not None and (
            self._thread.is_alive() or self._stop.is_set()
        )

    def _run(self) -> None:
        stop = self._stop
        while not stop.wait(self._interval):
            self._turn()

    def _turn(self) -> None:
        try:
            self._work()
        except Exception as error:
            log.error("%s failed; it tries again\n%s", self._name, trace_of(error))


_all: WeakSet[Background] = WeakSet()


def finish_all() -> None:
    """Let every background work of this process come to its end."""
    for background in list(_all):
        background.finish()


def _finish_with_child() -> None:
    # multiprocessing ends its children without atexit: granian's workers, say.
    if parent_process() is not None:
        Finalize(None, finish_all, exitpriority=0)


def _after_fork() -> None:
    for background in list(_all):
        background.after_fork()


atexit.register(finish_all)
os.register_at_fork(after_in_child=_after_fork)
