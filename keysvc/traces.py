"""Tracebacks that any log may hold."""

from collections.abc import Iterator
from traceback import format_tb

from keysvc.errors import KeysvcError

#: What drivers raise whose first line tells of the database, and of no value.
_OF_DATABASES = {
    "InterfaceError",
    "IntegrityError",
    "MaxConnectionsExceeded",
    "OperationalError",
}


def trace_of(error: BaseException) -> str:
    """
    Return the traceback of *error*, and of what has led to it, fit for any log.

    The words of an exception may quote what a client has sent, or a row; so told are
    only keysvc's own, those of the system, and a database's first line.
    """
    return "\nwhich led to\n".join(
        f"Traceback (most recent call last):\n{''.join(format_tb(e.__traceback__))}"
        f"{_name_of(e)}"
        for e in reversed([*_causes(error)])
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)


def _name_of(error: BaseException) -> str:
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    of_system = kind.__module__ == "builtins" and isinstance(
        error, OSError | ImportError
    )
    if isinstance(error, KeysvcError) or of_system:
        return f"{name}: {error}"
    if _OF_DATABASES & {base.__name__ for base in kind.__mro__}:
        return f"{name}: {str(error).partition(chr(10))[0]}"
    return name
