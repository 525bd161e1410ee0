"""One client of the soak: does what clients do, and knows what each answer must be."""

import random
import threading
import time
from collections import deque
from dataclasses import dataclass
from uuid import uuid4

from tests.service.servers import REVOCATION
from tests.soak.families import families_of
from tests.soak.families import Made
from tests.soak.line import Heard
from tests.soak.line import Line
from tests.soak.line import Tally

#: How many credentials a client has, at least and at most.
_FEW, _MANY = 4, 24

#: Seconds until what a killed worker had begun is over: PostgreSQL may still do it.
_SETTLED = 0.5

#: What is done how often.
_WEIGHTS = {
    "auth": 50,
    "verify": 16,
    "old_secret": 8,
    "list": 6,
    "change": 8,
    "rotate": 5,
    "create": 4,
    "delete": 3,
}


@dataclass
class Known:
    """
    A credential, as it must be.

    *tightened* is when the answer to the change came that has made it do less:
    for the second that a revocation may take, it may still do what it did.
    """

    made: Made
    active: bool = True
    description: str | None = None
    tightened: float = 0.0
    graced: Made | None = None


class SoakClient(threading.Thread):
    """A thread with an owner of its own, whose credentials nobody else touches."""

    def __init__(self, number: int, line: Line, tally: Tally) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self._line, self._tally = line, tally
        self._family = families_of(line, number)
        self._random = random.Random(number)
        self._known: dict[str, Known] = {}
        self._spent: deque[tuple[Made, float]] = deque(maxlen=50)
        self._over = threading.Event()

    def run(self) -> None:
        try:
            names, weights = zip(*_WEIGHTS.items(), strict=True)
            while not self._over.is_set():
                [name] = self._random.choices(names, weights)
                few = len(self._known) < _FEW
                getattr(self, "_create" if few else f"_{name}")()
        except Exception as error:
            self._tally.blame(f"{self.name} stopped: {error!r}")
            raise

    def end(self) -> None:
        """Stop, and wait until it has."""
        self._over.set()
        self.join()

    def secrets(self) -> set[str]:
        """Return every secret that this client knows of."""
        current = {known.made.secret for known in self._known.values()}
        return current | {made.secret for made, _ in self._spent}

    def check_all(self) -> None:
        """Hold the service to all that it has acknowledged."""
        self._list()
        for known in self._known.values():
            self._judge(known)
        for made, since in self._spent:
            self._require_refused(made, since)

    # What a client does.

    def _create(self) -> None:
        if len(self._known) >= _MANY:
            return
        path, body = self._family.create()
        heard = self._line.ask("POST", path, body)
        if heard is None or heard.status == 503:
            return self._sweep()
        if heard.status not in (200, 201):
            return self._blame("create", heard)
        made = self._family.made(heard.json)
        self._known[made.id] = Known(made)
        return self._tally.did("create")

    def _delete(self) -> None:
        if len(self._known) <= _FEW:
            return
        known = self._any()
        heard = self._line.ask("DELETE", self._family.path(known.made.id))
        if heard is None or heard.status == 503:
            time.sleep(_SETTLED)
            heard = self._line.insist("DELETE", self._family.path(known.made.id))
            if heard.status == 404:
                return self._bury(known)
        if heard.status not in (200, 204):
            return self._blame("delete", heard)
        self._bury(known)
        return self._tally.did("delete")

    def _change(self) -> None:
        known = self._any()
        active, description = self._random.random() < 0.7, uuid4().hex
        fields = {"active": active, "description": description}
        method, body = self._family.change(fields)
        heard = self._line.ask(method, self._family.path(known.made.id), body)
        if heard is None or heard.status == 503:
            # It may be repeated: whether it was done already makes no difference.
            time.sleep(_SETTLED)
            heard = self._line.insist(method, self._family.path(known.made.id), body)
        if heard.status not in (200, 204):
            return self._blame("change", heard)
        if known.active and not active:
            known.tightened = time.monotonic()
        known.active, known.description = active, description
        return self._tally.did("change")

    def _rotate(self) -> None:
        known = self._any()
        grace = self._random.choice((0, 0, 60))
        path = f"/v1/credentials/{known.made.id}/rotate"
        heard = self._line.ask("POST", path, {"graceMinutes": grace})
        if heard is None or heard.status == 503:
            # Who knows what its secret is now? It goes.
            time.sleep(_SETTLED)
            self._line.insist("DELETE", self._family.path(known.made.id))
            return self._bury(known)
        if heard.status not in (200, 201):
            return self._blame("rotate", heard)
        now = time.monotonic()
        if known.graced is not None:
            self._spent.append((known.graced, now))
        known.graced = known.made if grace else None
        if not grace:
            self._spent.append((known.made, now))
        known.made = self._family.made(heard.json)
        return self._tally.did("rotate")

    def _auth(self) -> None:
        self._judge(self._any())
        self._tally.did("auth")

    def _verify(self) -> None:
        known = self._any()
        question = self._family.question(known.made)
        heard = self._line.ask("POST", "/v1/verify", question)
        if heard is None or heard.status == 503:
            return
        if heard.status != 200:
            return self._blame("verify", heard)
        expected = {"VALID" if known.active else "INACTIVE"}
        if heard.begun < known.tightened + REVOCATION:
            expected.add("VALID")
        if heard.json["code"] not in expected:
            self._blame(f"verify, not {expected}", heard)
        return self._tally.did("verify")

    def _old_secret(self) -> None:
        if self._spent:
            self._require_refused(*self._random.choice(self._spent))
            self._tally.did("old secret")

    def _list(self) -> None:
        heard = self._told()
        if heard.status != 200:
            return self._blame("list", heard)
        told = {item["id"]: item for item in heard.json["items"]}
        if told.keys() != self._known.keys():
            missing = self._known.keys() - told.keys()
            more = told.keys() - self._known.keys()
            self._tally.blame(f"{self.name}: list lacks {missing}, has {more}")
        for id_, known in self._known.items():
            item = told.get(id_, {})
            state = (item.get("active"), item.get("description"))
            wanted = (known.active, known.description or item.get("description"))
            if item and state != wanted:
                self._tally.blame(f"{self.name}: {id_} is {state}, not {wanted}")
        return self._tally.did("list")

    def _told(self) -> Heard:
        """Return what the core tells of all that the owner has."""
        path = f"/v1/credentials?owner={self._family.owner}&limit=100"
        return self._line.insist("GET", path)

    def _any(self) -> Known:
        return self._random.choice([*self._known.values()])

    def _bury(self, known: Known) -> None:
        """Know that *known* is no more, nor any secret of it."""
        del self._known[known.made.id]
        now = time.monotonic()
        self._spent.extend((made, now) for made in (known.made, known.graced) if made)

    def _sweep(self) -> None:
        """Delete what may have been made without anybody having heard of it."""
        time.sleep(_SETTLED)
        for item in self._told().json["items"]:
            if item["id"] not in self._known:
                self._line.insist("DELETE", self._family.path(item["id"]))

    def _judge(self, known: Known) -> None:
        """Hold forward auth to what is known of a credential, by either secret."""
        made = known.made
        if known.graced is not None and self._random.random() < 0.3:
            made = known.graced
        heard = self._line.ask("GET", "/v1/auth", carried=self._family.carried(made))
        if heard is None or heard.status == 503:
            return
        expected = {204 if known.active else 401}
        if heard.begun < known.tightened + REVOCATION:
            expected.add(204)
        if heard.status not in expected:
            self._blame(f"auth, not {expected}", heard)

    def _require_refused(self, made: Made, since: float) -> None:
        heard = self._line.ask("GET", "/v1/auth", carried=self._family.carried(made))
        if heard is None or heard.status == 503 or heard.begun < since + REVOCATION:
            return
        if heard.status != 401:
            self._blame("an old secret", heard)

    def _blame(self, what: str, heard: Heard) -> None:
        self._tally.blame(f"{self.name}: {what}: {heard.status} {heard.text[:200]}")
