"""Do the same work in several processes at once."""

from collections.abc import Callable
from collections.abc import Sequence
from multiprocessing import get_context
from typing import Any

from keysvc.core.background import finish_all
from keysvc.store.connection import disconnect

# Its children are forks of one small process, which has imported keysvc already and
# holds no connection: as quick as a fork of our own, and as clean as a new process.
_context = get_context("forkserver")
_context.set_forkserver_preload(["tests.conftest"])


def at_once(work: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """
    Return what ``work(*call)`` returns for each of *calls*, in any order.

    Each runs in a process of its own; none begins before all are ready. What one
    raises is returned as text.
    """
    barrier = _context.Barrier(len(calls))
    results = _context.SimpleQueue()
    processes = [
        _context.Process(target=_run, args=(barrier, results, work, call))
        for call in calls
    ]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
        process.close()
    results.close()
    return found


def apart(work: Callable[..., Any], *arguments: Any) -> int | None:
    """Do *work* in a process of its own, and return how that has ended."""
    process = _context.Process(target=work, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def _run(
    barrier: Any, results: Any, work: Callable[..., Any], call: tuple[Any, ...]
) -> None:
    barrier.wait()
    try:
        result = work(*call)
    except BaseException as error:
        result = f"{type(error).__name__}: {error}"
    finally:
        finish_all()
        disconnect()
    results.put(result)
