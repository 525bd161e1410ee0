"""Lists: filters, order and windows, compiled to parameterised SQL."""

import operator
from collections.abc import Callable
from collections.abc import Mapping
from functools import reduce
from typing import Any
from typing import NamedTuple
from typing import TypeVar

import peewee

from keysvc.errors import Malformed
from keysvc.model import Condition
from keysvc.model import Listing
from keysvc.model import Page
from keysvc.model import Sort
from keysvc.store.connection import is_postgres
from keysvc.store.fields import NUMBER

T = TypeVar("T")


class Column(NamedTuple):
    """
    How a field is compared: as it is, and where case must not matter, folded.

    *folded* is None where a field has no case. *sorted* is what it is sorted by, if
    that is not what it is compared as: the order must be the same.
    """

    exact: Any
    folded: Any = None
    sorted: Any = None


def page(
    rows: Any,
    listing: Listing,
    columns: Mapping[str, Column],
    read: Callable[[Any], list[T]],
) -> Page[T]:
    """
    Return the part of *rows* that *listing* asks for.

    Args:
        rows: A query that is restricted to what the caller may see.
        columns: The fields that may be filtered and sorted by.
        read: Returns what a query finds.

    Raises:
        Malformed: If the listing is strict and its window past the end.
    """
    if listing.conditions:
        joined = operator.or_ if listing.any_of else operator.and_
        clauses = [_clause(c, columns[c.field]) for c in listing.conditions]
        rows = rows.where(reduce(joined, clauses))
    total, window = rows.count(), listing.window
    if is_beyond(listing, total):
        return Page((), total, window)
    rows = rows.order_by(*order(listing.sort, columns))
    if window.limit:
        rows = rows.limit(min(window.limit, total)).offset(window.offset)
    return Page(read(rows), total, window)


def is_beyond(listing: Listing, total: int) -> bool:
    """
    Tell whether nothing of a list of *total* items is in the window.

    Raises:
        Malformed: If that is an error.
    """
    if listing.window.offset < total:
        return False
    if listing.strict and listing.window.index:
        raise Malformed("page: There are not so many pages.")
    return True


def dashed(id_: Any) -> Any:
    """Return the text of a UUID with its dashes: SQLite keeps it without."""
    return _Dashed(id_)


class _Dashed(peewee.ColumnBase):
    """Written for the engine at hand when the statement is: none is bound before."""

    def __init__(self, id_: Any) -> None:
        self._id = id_

    def __sql__(self, ctx: Any) -> Any:
        if is_postgres():
            return ctx.sql(self._id.cast("TEXT"))
        parts: list[Any] = [peewee.fn.SUBSTR(self._id, *cut) for cut in _CUTS]
        joined = reduce(lambda a, b: a.concat("-").concat(b), parts)
        return ctx.sql(joined)


#: Where the parts of a UUID's 32 digits begin, and how long they are.
_CUTS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))


def order(sort: Sort, columns: Mapping[str, Column]) -> list[Any]:
    """Return what puts rows into the order *sort*."""
    by, tie = (_sorted(columns[name]) for name in sort[:2])
    # Where none is null, saying so would keep PostgreSQL from reading an index.
    nullable = getattr(by, "null", False)
    if sort.descending:
        return [by.desc(nulls="LAST" if nullable else None), tie.desc()]
    return [by.asc(nulls="FIRST" if nullable else None), tie.asc()]


def _sorted(column: Column) -> Any:
    return column.exact if column.sorted is None else column.sorted


def _clause(condition: Condition, column: Column) -> Any:
    return _CLAUSES[condition.operator](column, condition.value)


def _matches(pattern: str) -> Callable[[Column, Any], Any]:
    """Match text whatever its case; a wildcard in the value is a plain character."""

    def clause(column: Column, value: Any) -> Any:
        fold = column.exact if column.folded is None else column.folded
        return getattr(fold, pattern)(value.casefold())

    return clause


def _compares(compare: Callable[[Any, Any], Any]) -> Callable[[Column, Any], Any]:
    """Compare; text is compared as a number, if it is one."""

    def clause(column: Column, value: Any) -> Any:
        if isinstance(value, float):
            return compare(_number(column.exact), value)
        return compare(column.exact, value)

    return clause


def _number(text: Any) -> Any:
    if not is_postgres():
        return peewee.fn.keysvc_number(text)
    # No cast is tried on what does not look like a number.
    looks = peewee.Expression(text, "~", peewee.Value(NUMBER, converter=False))
    return peewee.Case(None, [(looks, text.cast("DOUBLE PRECISION"))], None)


_contains, _starts, _ends = map(_matches, ("contains", "startswith", "endswith"))

_CLAUSES: dict[str, Callable[[Column, Any], Any]] = {
    "equals": lambda column, value: column.exact == value,
    "notequals": lambda column, value: column.exact != value,
    "contains": _contains,
    "notcontains": lambda column, value: ~_contains(column, value),
    "startswith": _starts,
    "endswith": _ends,
    "oneof": lambda column, values: column.exact.in_(values),
    "notoneof": lambda column, values: column.exact.not_in(values),
    "in": lambda column, ends: column.exact.between(*ends),
    "gt": _compares(operator.gt),
    "gte": _compares(operator.ge),
    "lt": _compares(operator.lt),
    "lte": _compares(operator.le),
    "isnull": lambda column, value: column.exact.is_null(),
    "isnotnull": lambda column, value: column.exact.is_null(False),
}
