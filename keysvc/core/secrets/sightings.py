"""
Find tokens in bytes, whatever these are: by prefix and checksum, without a database.

A token proves itself. The checksum of a secret key covers its access key too, so a
keypair is found where both stand within ``REACH`` bytes of each other, in whichever
order; or in base64, as ``Basic`` sends it.

Of six characters at random one in 62**6 is the right checksum. So what stands before
and behind does not count: a token may be glued to anything.
"""

import re
from base64 import b64decode
from bisect import bisect_left
from bisect import bisect_right
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

from keysvc.core.secrets import tokens
from keysvc.model import Kind

#: How many bytes may lie between an access key and the secret key that belongs to it.
REACH = 4096

# A checksum is below 2**32, and so its first character below 5. Each expression begins
# with the character or two that are searched for many times as fast as any choice of
# them: so the prefixes, whatever they are, come after.
_TOKEN = re.compile(rb"_(?=[0-9A-Za-z]{48}[0-4][0-9A-Za-z]{5})")
_TOKEN_LENGTH = 55
_ACCESS_KEY = re.compile(rb"KP(?=[A-Z2-7]{18})")
_ACCESS_KEY_LENGTH = 20
_SECRET_KEY = re.compile(rb"(?=[0-9A-Za-z]{34}[0-4][0-9A-Za-z]{5})")
_SECRET_KEY_LENGTH = 40

#: Where secret keys are looked for: a longer run is data in base64, or the like.
_RUN = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Za-z]{40,64}(?![0-9A-Za-z])")
_LONGEST_RUN = 64

#: An access key, a colon, and a secret key, in base64.
_BASIC = re.compile(rb"S1[AB](?=[0-9A-Za-z+/]{79})")
_BASIC_LENGTH = 82
_PAIR = re.compile(rb"(KP[A-Z2-7]{18}):([0-9A-Za-z]{40})")

#: So near to each byte lies all that says whether a token begins there.
_AROUND = REACH + 2 * _LONGEST_RUN

_CHUNK = 1 << 20


class Sighting(NamedTuple):
    """
    A token in a text, and the line on which it begins (of a keypair its secret key).

    *token* is written as ``POST /v1/leaks`` takes it.
    """

    line: int
    kind: str
    public_id: str
    token: str

    def __repr__(self) -> str:
        """Tell which credential it names, never the token."""
        return f"Sighting({self.line}, {self.kind!r}, {self.public_id!r})"


#: A place, and what a sighting says but its line.
_Found = tuple[int, str, str, str]


class Lookout:
    """
    Looks for tokens.

    Args:
        kinds: By each prefix, what begins so.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = {prefix.encode(): kind for prefix, kind in kinds.items()}

    def sightings(
        self, read: Callable[[int], bytes], size: int = _CHUNK
    ) -> Iterator[Sighting]:
        """
        Yield the tokens of a text in their order; memory does not grow with it.

        Args:
            read: Returns at most so many bytes more, none at the end.
        """
        text, start, line = b"", 0, 1
        while True:
            chunk = read(size)
            text += chunk
            # What begins further back may go on beyond what was read.
            end = max(start, len(text) - _AROUND) if chunk else len(text)
            for place, *said in sorted(self._find(text, start, end)):
                line += text.count(b"\n", start, place)
                start = place
                yield Sighting(line, *said)
            if not chunk:
                return
            line += text.count(b"\n", start, end)
            seen = max(0, end - _AROUND)
            text, start = text[seen:], end - seen

    def _find(self, text: bytes, start: int, end: int) -> Iterator[_Found]:
        """Yield what begins from *start* on and before *end*."""
        yield from self._find_tokens(text, start, end)
        yield from _find_basics(text, start, end)
        yield from _find_keypairs(text, start, end)

    def _find_tokens(self, text: bytes, start: int, end: int) -> Iterator[_Found]:
        # A token is taken to be where its underscore stands.
        for seen in _TOKEN.finditer(text, start, end - 1 + _TOKEN_LENGTH):
            place = seen.start()
            for prefix, kind in self._kinds.items():
                if text.endswith(prefix, 0, place):
                    begin, stop = place - len(prefix), place + _TOKEN_LENGTH
                    whole = text[begin:stop].decode()
                    token = tokens.read_token(whole)
                    if token is not None:
                        yield place, kind, token.public_id, whole


def _find_basics(text: bytes, start: int, end: int) -> Iterator[_Found]:
    for seen in _BASIC.finditer(text, start, end - 1 + _BASIC_LENGTH):
        place = seen.start()
        pair = _PAIR.fullmatch(b64decode(text[place : place + _BASIC_LENGTH] + b"=="))
        if pair is not None and (found := _proven(place, *pair.groups())):
            yield found


def _find_keypairs(text: bytes, start: int, end: int) -> Iterator[_Found]:
    low, high = max(0, start - _AROUND), end + _AROUND
    access_keys = [key.start() for key in _ACCESS_KEY.finditer(text, low, high)]
    for place in _secret_keys(text, access_keys):
        if not start <= place < end:
            continue
        secret_key = text[place : place + _SECRET_KEY_LENGTH]
        for at in _near(place, access_keys):
            access_key = text[at : at + _ACCESS_KEY_LENGTH]
            if found := _proven(place, access_key, secret_key):
                yield found
                break


def _secret_keys(text: bytes, access_keys: Sequence[int]) -> Iterator[int]:
    """Yield where a secret key may begin that lies near one of the *access_keys*."""
    for low, high in _windows(access_keys):
        for run in _RUN.finditer(text, low, high):
            # At the window's end the run may be cut; but nothing there is near enough.
            for found in _SECRET_KEY.finditer(text, run.start(), run.end()):
                yield found.start()


def _windows(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield what lies around these places, nothing twice."""
    low = high = 0
    for place in places:
        if place - _AROUND > high:
            yield low, high
            low = place - _AROUND
        high = place + _AROUND
    yield low, high


def _near(secret_key: int, access_keys: Sequence[int]) -> list[int]:
    """Return the access keys in reach of a secret key, the nearest first."""
    first = bisect_left(access_keys, secret_key - REACH - _ACCESS_KEY_LENGTH)
    last = bisect_right(access_keys, secret_key + _SECRET_KEY_LENGTH + REACH)
    return sorted(access_keys[first:last], key=lambda at: abs(at - secret_key))


def _proven(place: int, access_key: bytes, secret_key: bytes) -> _Found | None:
    public_id, secret = access_key.decode(), secret_key.decode()
    if not tokens.is_keypair(public_id, secret):
        return None
    return place, Kind.KEYPAIR.value, public_id, f"{public_id}:{secret}"
