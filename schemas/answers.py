"""Parts of answers that are not simply an attribute of what is shown."""

from collections.abc import Callable
from typing import Any

from marshmallow import fields

from keysvc.schemas.base import Schema


class Whole(fields.Nested):
    """A part of the answer that is read from the same object as the answer."""

    def get_value(
        self, obj: Any, attr: str, accessor: Any = None, default: Any = None
    ) -> Any:
        return obj


class Written(fields.List[Any]):
    """
    The items of a page, written by hand: it takes a fraction of the time.

    Args:
        nested: What documents an item; a test holds *write* to it.
        write: Writes an item.
    """

    def __init__(
        self,
        nested: type[Schema],
        write: Callable[[Any], dict[str, Any]],
        **kwargs: Any,
    ) -> None:
        super().__init__(fields.Nested(nested), **kwargs)
        self.write = write

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
        return [self.write(item) for item in value]


class Computed(fields.List[Any]):
    """A list that *compute* makes of the object, of whatever, or of *items*."""

    def __init__(
        self,
        compute: Callable[[Any], list[Any]],
        items: fields.Field[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.compute = compute
        super().__init__(items or fields.Raw(allow_none=True), **kwargs)

    def get_value(
        self, obj: Any, attr: str, accessor: Any = None, default: Any = None
    ) -> Any:
        return self.compute(obj)
