"""``X-Method-Override: REPORT``, for clients that cannot send REPORT."""

from collections.abc import Iterable
from typing import Any

_HEADER = "HTTP_X_METHOD_OVERRIDE"
_ALLOWED = "REPORT"

#: A method that no route has, so that routing answers 405 with the right Allow.
_REFUSED = "X-OVERRIDE-REFUSED"


class MethodOverride:
    """
    WSGI middleware: a POST that asks for REPORT becomes one, before routing.

    Only below *prefix*, and only POST; any other value there is refused. On a host
    application nothing else is touched.
    """

    def __init__(self, app: Any, prefix: str) -> None:
        self._app, self._prefix = app, prefix.rstrip("/") + "/"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        wanted = environ.get(_HEADER)
        if (
            wanted
            and environ["REQUEST_METHOD"] == "POST"
            and environ.get("PATH_INFO", "").startswith(self._prefix)
        ):
            # Signatures cover the method on the wire.
            environ["keysvc.wire_method"] = "POST"
            environ["REQUEST_METHOD"] = _ALLOWED if wanted == _ALLOWED else _REFUSED
        result: Iterable[bytes] = self._app(environ, start_response)
        return result
