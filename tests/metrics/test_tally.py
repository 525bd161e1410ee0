"""What happens is counted once, whoever counts and whoever takes."""

import os
import threading

from keysvc.core.tally import Tallies
from keysvc.core.tally import Tally

KEY = ("keypair", "VALID")


def _followed() -> tuple[Tally, list[None]]:
    tally, woken = Tally(), list[None]()
    tally.follow(lambda: woken.append(None))
    return tally, woken


def test_what_was_taken_is_gone() -> None:
    tally, _ = _followed()
    for seconds in (0.5, 0.25):
        tally[KEY].append(seconds)

    assert tally.take() == {KEY: [0.5, 0.25]}
    assert tally.take() == {}


def test_the_first_of_each_key_wakes_whoever_follows() -> None:
    tally, woken = _followed()
    for key in (KEY, KEY, ("session", "VALID"), KEY):
        tally[key].append(0.0)

    assert len(woken) == 2


def test_while_nobody_follows_nothing_is_kept() -> None:
    tally = Tally()
    tally[KEY].append(0.0)
    assert tally.take() == {}

    tally.follow(lambda: None)
    tally[KEY].append(0.0)
    assert tally.take() == {KEY: [0.0]}


def test_many_threads_lose_nothing() -> None:
    tally, _ = _followed()
    taken: list[int] = []
    ended = threading.Event()

    def count() -> None:
        for number in range(20_000):
            tally["key", number % 7].append(1.0)

    def take() -> None:
        while not ended.is_set():
            taken.append(sum(map(len, tally.take().values())))

    counting = [threading.Thread(target=count) for _ in range(4)]
    taking = [threading.Thread(target=take) for _ in range(2)]
    for thread in counting + taking:
        thread.start()
    for thread in counting:
        thread.join()
    ended.set()
    for thread in taking:
        thread.join()
    taken.append(sum(map(len, tally.take().values())))

    assert sum(taken) == 80_000
    assert len(taken) > 2


def test_a_child_begins_anew() -> None:
    tallies, woken = Tallies(), list[None]()
    tallies.logins.follow(lambda: woken.append(None))
    tallies.logins[KEY].append(0.0)
    child = os.fork()
    if child == 0:
        begun = tallies.logins.take() == {}
        tallies.logins[KEY].append(0.0)
        os._exit(0 if begun and len(woken) == 2 else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert tallies.logins.take() == {KEY: [0.0]}
