"""A traceback tells where it was, and nothing that anybody has sent."""

import sqlite3
from collections.abc import Callable

import peewee
import psycopg
import pytest

from keysvc.errors import Unavailable
from keysvc.traces import trace_of

SECRET = "8Xk2QmVt5LwZr9"


def _caught(fail: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:
        fail()
    return caught.value


def _chained() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise KeyError(SECRET) from error


def _in_a_handler() -> None:
    try:
        int(SECRET)
    except ValueError:
        raise RuntimeError(SECRET) from None


@pytest.mark.parametrize(
    ("fail", "classes"),
    [
        (lambda: int(SECRET), ["ValueError"]),
        (lambda: dict[str, str]()[SECRET], ["KeyError"]),
        (lambda: SECRET.encode().decode("utf-16-" + SECRET[:2]), ["LookupError"]),
        (_chained, ["ValueError", "KeyError"]),
        (_in_a_handler, ["RuntimeError"]),
    ],
)
def test_the_words_of_others_are_not_told(
    fail: Callable[[], object], classes: list[str]
) -> None:
    told = trace_of(_caught(fail))

    assert SECRET not in told
    assert told.count("Traceback (most recent call last):") == len(classes)
    named = [line for line in told.splitlines() if line in classes]
    assert named == classes
    assert 'File "' in told and "test_traces.py" in told


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unavailable("The database cannot be asked now."), "cannot be asked now."),
        (FileNotFoundError(2, "No such file", "/etc/nix"), "No such file: '/etc/nix'"),
        (ModuleNotFoundError("No module named 'psycopg'"), "named 'psycopg'"),
        (sqlite3.OperationalError("database is locked"), "database is locked"),
        (peewee.IntegrityError(f"violates\nDETAIL: ({SECRET})"), "violates"),
        (psycopg.errors.UniqueViolation(f"key\nDETAIL: ({SECRET})"), "key"),
        (psycopg.OperationalError(f"refused\n{SECRET}"), "refused"),
        (peewee.DataError(f"invalid input: {SECRET}"), "peewee.DataError"),
        (psycopg.errors.RaiseException(f"row ({SECRET})"), "RaiseException"),
    ],
)
def test_what_an_operator_needs_is_told(error: Exception, words: str) -> None:
    [last] = trace_of(error).splitlines()[1:]

    assert last.endswith(words)
    assert SECRET not in last


def test_a_circle_of_causes_ends() -> None:
    one, other = ValueError(SECRET), KeyError(SECRET)
    one.__cause__, other.__cause__ = other, one

    assert trace_of(one).count("Traceback") == 2
