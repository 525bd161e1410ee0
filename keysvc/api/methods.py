"""An OpenAPI document with methods that apispec does not know, REPORT among them."""

from copy import copy
from typing import Any

from apispec.core import VALID_METHODS_OPENAPI_V3
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask_smorest.spec.plugins import FlaskPlugin
from werkzeug.routing import Rule

#: A method that no route has; apispec resolves REPORT's schemas under its name.
_CARRIER = "trace"


class AnyMethodSpec:
    """
    An apispec whose paths take any method.

    apispec refuses methods that OpenAPI has no field for; since 3.2 these stand under
    ``additionalOperations``. So they are resolved as the carrier, then moved.
    """

    def __init__(self, spec: Any, url_prefix: str = "") -> None:
        self._spec, self._url_prefix = spec, url_prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spec, name)

    def path(self, *, rule: Any, operations: dict[str, Any], **kwargs: Any) -> None:
        """Add the operations of *rule*, each where OpenAPI wants it."""
        rule = _below(rule, self._url_prefix)
        fixed = {m: o for m, o in operations.items() if m in VALID_METHODS_OPENAPI_V3}
        self._spec.path(rule=rule, operations=fixed, **kwargs)
        if len(fixed) == len(operations):
            return
        # What apispec itself goes on writing to; a test holds it to that.
        item = self._spec.to_dict()["paths"][FlaskPlugin.flaskpath2openapi(rule.rule)]
        for method in operations.keys() - fixed.keys():
            carried = {_CARRIER: operations[method]}
            self._spec.path(rule=rule, operations=carried, **kwargs)
            additional = item.setdefault("additionalOperations", {})
            additional[method.upper()] = item.pop(_CARRIER)


def _below(rule: Rule, prefix: str) -> Rule:
    """Return *rule* as it is read below *prefix*."""
    below = copy(rule)
    below.rule = rule.rule.removeprefix(prefix)
    return below


class _DescribingConverter(OpenAPIConverter):
    """Let a schema add to its own description what its fields cannot say."""

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        described: dict[str, Any] = super().schema2jsonschema(schema)
        describe = getattr(schema, "describe", None)
        return describe(described) if describe else described


class DescribingPlugin(MarshmallowPlugin):
    """The plugin that describes schemas, with what they add."""

    Converter = _DescribingConverter
