"""OpenAPI 3.2 with REPORT in it, as a guest in somebody else's application."""

from typing import Any

from apispec.core import VALID_METHODS_OPENAPI_V3
from flask_smorest import Api
from flask_smorest.spec.plugins import FlaskPlugin

#: A method that no route has; apispec resolves REPORT's schemas under its name.
_CARRIER = "trace"


class GuestApi(Api):  # type: ignore[misc]
    """An ``Api`` that leaves the error pages of the application alone."""

    def _register_error_handlers(self) -> None:
        """Do nothing: each family's blueprint answers its own errors."""


class AnyMethodSpec:
    """
    An apispec whose paths take any method.

    apispec refuses methods that OpenAPI has no field for; since 3.2 these stand under
    ``additionalOperations``. So they are resolved as the carrier, then moved.
    """

    def __init__(self, spec: Any) -> None:
        self._spec = spec

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spec, name)

    def path(self, *, rule: Any, operations: dict[str, Any], **kwargs: Any) -> None:
        """Add the operations of *rule*, each where OpenAPI wants it."""
        fixed = {m: o for m, o in operations.items() if m in VALID_METHODS_OPENAPI_V3}
        self._spec.path(rule=rule, operations=fixed, **kwargs)
        # What apispec itself goes on writing to; a test holds it to that.
        item = self._spec.to_dict()["paths"][FlaskPlugin.flaskpath2openapi(rule.rule)]
        for method in operations.keys() - fixed.keys():
            carried = {_CARRIER: operations[method]}
            self._spec.path(rule=rule, operations=carried, **kwargs)
            additional = item.setdefault("additionalOperations", {})
            additional[method.upper()] = item.pop(_CARRIER)
