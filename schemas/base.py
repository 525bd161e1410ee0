"""What every schema here is made of."""

from typing import Any

import marshmallow


class Schema(marshmallow.Schema):
    """Read members of dicts, and attributes of all else: marshmallow tries both."""

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        for name in attr.split("."):
            held = isinstance(obj, dict)
            obj = obj.get(name, default) if held else getattr(obj, name, default)
        return obj
