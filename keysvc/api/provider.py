"""JSON by orjson, for the stand-alone application only: a host keeps its own."""

from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider


class OrjsonProvider(JSONProvider):
    """Fast JSON whose members keep their order."""

    mimetype = "application/json"

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        indent = orjson.OPT_INDENT_2 if kwargs.get("indent") else 0
        return orjson.dumps(obj, option=indent).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = orjson.dumps(self._prepare_response_obj(args, kwargs))
        return Response(body + b"\n", mimetype=self.mimetype)
