"""What a git repository remembers: all that any of its refs can reach."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from tempfile import TemporaryFile
from typing import Any
from typing import IO

from keysvc.commands.sources import shown
from keysvc.commands.sources import Source
from keysvc.commands.sources import unpacked
from keysvc.commands.sources import Unread

#: Each object once, behind the newest commit that has it.
_LIST = ("rev-list", "--all", "--objects", "--in-commit-order")
_READ = ("cat-file", "--batch")

#: These would name another repository than the path does.
_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE")


class _Broken(OSError):
    """git has failed."""


class _Content(RawIOBase):
    """The next *size* bytes of a stream, as a stream of their own."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._left = stream, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._stream.read(min(len(buffer), self._left))
        buffer[: len(read)] = read
        self._left -= len(read)
        return len(read)


def history(repository: str, unread: Unread) -> Iterator[Source]:
    """
    Yield every blob once, and every message, that a ref of *repository* reaches.

    A blob is told by its path and the newest commit that has it there.
    """
    try:
        with _git(repository, *_LIST) as listed, _git(repository, *_READ) as reader:
            yield from _told(listed, reader, unread)
    except (FileNotFoundError, _Broken) as error:
        unread.fail(repository, f"the history: {error}")


def _told(listed: Any, reader: Any, unread: Unread) -> Iterator[Source]:
    commit = ""
    for line in listed.stdout:
        id_, _, path = line.rstrip(b"\n").partition(b" ")
        try:
            reader.stdin.write(id_ + b"\n")
            reader.stdin.flush()
        except BrokenPipeError:
            return
        _, kind, size = (*reader.stdout.readline().split(), b"", b"", b"")[:3]
        if not kind:
            return
        if not size:
            unread.fail(path or id_, f"the history: {id_.decode()} {kind.decode()}")
            continue
        commit = id_.decode() if kind == b"commit" else commit
        content = _Content(reader.stdout, int(size))
        if kind != b"tree":
            name = "(message)" if kind == b"commit" else shown(path)
            source = Source(name, unpacked(content), commit)
            yield source
        while content.read(1 << 16):
            # What nobody has read.
            pass
        # A line ends behind it.
        reader.stdout.read(1)


@contextmanager
def _git(repository: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run git; it fetches nothing.

    Raises:
        _Broken: If it fails, with the first of its own words.
    """
    kept = {name: v for name, v in os.environ.items() if name not in _MISLEADING}
    with TemporaryFile() as said:
        with subprocess.Popen(
            ["git", "--no-replace-objects", "-C", repository, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**kept, "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"},
        ) as git:
            yield git
        if git.returncode:
            said.seek(0)
            raise _Broken(shown(said.readline().strip()) or "git has failed")
