"""Answers in JSON, the same in every host: whatever its own JSON is like."""

from typing import Any

import orjson
from flask import Response


def json_response(content: Any, status: int = 200, *, indent: bool = False) -> Response:
    """Return *content* as JSON whose members keep their order."""
    option = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0)
    body = orjson.dumps(content, option=option)
    return Response(body, status, mimetype="application/json")
