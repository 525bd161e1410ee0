"""What is read for tokens: files, all that lies below directories, standard input."""

import gzip
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import ExitStack
from io import BufferedIOBase
from io import BufferedReader
from typing import Any
from typing import NamedTuple

STDIN = "-"

_GZIP = b"\x1f\x8b"

#: Of a link that was put there just now, or a pipe, nothing is followed or waited for.
_BELOW = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Source(NamedTuple):
    """Something to read: on the disk, or in the *commit* of a history."""

    path: str
    stream: BufferedIOBase
    commit: str | None = None


class Unread:
    """What was passed over, so that nothing is in silence."""

    def __init__(self) -> None:
        #: What could not be read, or only in part, and why.
        self.failures: list[str] = []
        #: Symbolic links; pipes, sockets and devices; directories of repositories.
        self.links, self.special = 0, 0
        self.histories: list[str] = []

    @contextmanager
    def noting(self, path: str | bytes) -> Iterator[None]:
        """Go on where *path* fails, and note it."""
        try:
            yield
        except (OSError, EOFError, zlib.error) as error:
            self.fail(path, getattr(error, "strerror", None) or str(error))

    def fail(self, path: str | bytes, reason: str) -> None:
        """Note why *path* could not be read."""
        self.failures.append(f"{shown(path)}: {reason}")


def shown(path: str | bytes) -> str:
    """Return *path* as it can be printed: nothing of it speaks to the terminal."""
    text = os.fsencode(path).decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def unpacked(stream: Any) -> BufferedIOBase:
    """Return *stream*, or what it holds if that is gzip's."""
    buffered = BufferedReader(stream)
    packed = buffered.peek(len(_GZIP)).startswith(_GZIP)
    return gzip.GzipFile(fileobj=buffered) if packed else buffered


def sources(path: str, unread: Unread) -> Iterator[Source]:
    """Yield what there is to read at *path*, be it a link, and below it."""
    if path == STDIN:
        yield from _source(path, sys.stdin.buffer, unread)
    elif os.path.isdir(path):
        yield from _below(path, unread)
    else:
        yield from _opened(path, os.O_RDONLY | os.O_CLOEXEC, unread)


def _below(top: str, unread: Unread) -> Iterator[Source]:
    def fail(error: OSError) -> None:
        unread.fail(error.filename, error.strerror or str(error))

    for directory, directories, files in os.walk(top, onerror=fail):
        directories.sort()
        names = sorted([*directories, *files])
        if ".git" in names:
            unread.histories.append(shown(directory))
        for path in (os.path.join(directory, name) for name in names):
            mode = 0
            with unread.noting(path):
                mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode):
                yield from _opened(path, _BELOW, unread)
            elif stat.S_ISLNK(mode):
                unread.links += 1
            elif mode and not stat.S_ISDIR(mode):
                unread.special += 1


def _opened(path: str, flags: int, unread: Unread) -> Iterator[Source]:
    with ExitStack() as stack:
        stream = None
        with unread.noting(path):
            stream = stack.enter_context(open(os.open(path, flags), "rb", buffering=0))
        if stream is not None:
            yield from _source(path, stream, unread)


def _source(path: str, stream: Any, unread: Unread) -> Iterator[Source]:
    readable = None
    with unread.noting(path):
        readable = unpacked(stream)
    if readable is not None:
        yield Source(shown(path), readable)
