"""
``python -m benchmarks.scan``: how fast tokens are looked for, and how often in vain.

Text at random is made as it is read, which is not timed; in it every token is a false
alarm. What is found in real trees is for a person to judge. Seconds are those of the
processor, so that a busy machine tells the same.
"""

import sysconfig
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from random import Random
from typing import NamedTuple

import click

from keysvc.commands.history import history
from keysvc.commands.sources import Source
from keysvc.commands.sources import sources
from keysvc.commands.sources import Unread
from keysvc.core.secrets.sightings import Lookout
from keysvc.core.secrets.sightings import REACH

ROOT = Path(__file__).parents[1]

_LOOKOUT = Lookout({"ksa": "api_key", "kso": "access_key", "kss": "session"})

_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SLUG = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_MEGABYTE = 1 << 20

#: One byte in 64 ends a word; so there are words of every length.
_WORDS = bytes((_BASE62 * 5)[:252] + b"  \n_")
_LETTERS = bytes((_BASE62 * 5)[:256])
_SLUGS = _SLUG * 8

#: Bytes from one planted prefix, or access key, to the next one.
_PREFIXED, _PAIRED = 64, 1024


class Text(NamedTuple):
    """How a megabyte at random is made, and how many candidates are in it."""

    make: Callable[[Random], bytes]
    candidates: int


def _plain(draw: Random) -> bytes:
    return draw.randbytes(_MEGABYTE).translate(_WORDS)


def _with_prefixes(draw: Random) -> bytes:
    text = bytearray(draw.randbytes(_MEGABYTE).translate(_LETTERS))
    count = _MEGABYTE // _PREFIXED
    for place, letter in enumerate((b"k", b"s", b"", b"_")):
        text[place::_PREFIXED] = (letter * count) or draw.choices(b"aos", k=count)
    return bytes(text)


def _with_access_keys(draw: Random) -> bytes:
    """Return words of 40 letters, so that each may be the secret of what is around."""
    text = bytearray(draw.randbytes(_MEGABYTE).translate(_LETTERS))
    slugs, count = draw.randbytes(_MEGABYTE).translate(_SLUGS), _MEGABYTE // _PAIRED
    for place in range(_PAIRED):
        at = slice(place, None, _PAIRED)
        if place < 20:
            text[at] = (b"K", b"P")[place] * count if place < 2 else slugs[at]
        elif place % 41 == 20:
            text[at] = b" " * count
    return bytes(text)


TEXTS = {
    "base62 in words": Text(_plain, 0),
    "base62, a prefix every 64 bytes": Text(_with_prefixes, _MEGABYTE // _PREFIXED),
    "words of 40, an access key every 1024 bytes": Text(
        _with_access_keys, (_MEGABYTE // 41) * (2 * REACH // _PAIRED)
    ),
}


class Measured(NamedTuple):
    """What a scan has cost, and what it has found."""

    name: str
    bytes: int
    seconds: float
    found: int
    candidates: int | None = None

    def line(self) -> str:
        """Return a row of the table."""
        chance = "" if self.candidates is None else f"{self.candidates / 62**6:.4f}"
        count = "" if self.candidates is None else f"{self.candidates:,}"
        return (
            f"| {self.name} | {self.bytes / 1e6:,.0f} | {self.seconds:,.1f}"
            f" | {self.bytes / 1e6 / max(self.seconds, 1e-9):,.0f} | {count}"
            f" | {self.found} | {chance} |"
        )


HEADER = (
    "| what | MB | s | MB/s | candidates | found | by chance |\n"
    "|---|--:|--:|--:|--:|--:|--:|"
)


class Meter:
    """Counts what is read, and how long the reading itself has taken."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self.bytes, self.seconds = read, 0, 0.0

    def read(self, size: int) -> bytes:
        begun = time.process_time()
        text = self._read(size)
        self.seconds += time.process_time() - begun
        self.bytes += len(text)
        return text


def of_text(name: str, megabytes: int) -> Measured:
    """Look through so much text at random."""
    text, draw = TEXTS[name], Random(name)
    blocks = iter(range(megabytes))
    meter = Meter(
        lambda size: text.make(draw) if next(blocks, None) is not None else b""
    )
    begun = time.process_time()
    found = sum(1 for _ in _LOOKOUT.sightings(meter.read))
    seconds = time.process_time() - begun - meter.seconds
    return Measured(name, meter.bytes, seconds, found, megabytes * text.candidates)


def of_sources(name: str, everything: Iterable[Source]) -> Measured:
    """Look through files, or a history; the reading counts, too."""
    tokens, read = set(), 0
    begun = time.process_time()
    for source in everything:
        meter = Meter(source.stream.read)
        tokens |= {found.token for found in _LOOKOUT.sightings(meter.read)}
        read += meter.bytes
    return Measured(name, read, time.process_time() - begun, len(tokens))


def _trees(paths: tuple[str, ...]) -> Iterator[Measured]:
    unread = Unread()
    for path in paths:
        yield of_sources(path, sources(path, unread))
    yield of_sources("the history of this project", history(str(ROOT), unread))
    for failure in unread.failures:
        click.echo(failure, err=True)


@click.command()
@click.option("--megabytes", default=1000, show_default=True, type=click.IntRange(1))
@click.option(
    "--tree",
    "trees",
    multiple=True,
    metavar="PATH",
    default=(sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), "/usr/share"),
    show_default=True,
)
def main(megabytes: int, trees: tuple[str, ...]) -> None:
    """Print how fast text at random and real trees are scanned, and what is found."""
    texts = (of_text(name, megabytes) for name in TEXTS)
    click.echo(HEADER)
    for measured in chain(texts, _trees(trees)):
        click.echo(measured.line())


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.scan")
