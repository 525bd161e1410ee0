"""Files for their owner alone: whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def made(path: Path) -> Path:
    """Make a new, empty file beside *path*, and return where."""
    fresh = path.with_name(path.name + ".new")
    # What a crash has left would keep its mode.
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return fresh


@contextmanager
def written(path: Path, *, replacing: bool) -> Iterator[Path]:
    """
    Yield a new file, which in the end takes the name *path*, and lasts.

    Raises:
        FileExistsError: If there is one by then, unless *replacing*.
    """
    fresh = made(path)
    try:
        yield fresh
        _sync(fresh)
        if not replacing:
            os.link(fresh, path)
        else:
            fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    # The name must last too.
    _sync(path.parent)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
