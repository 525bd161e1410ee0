"""The gate as a WSGI application of its own."""

import logging
import os
from collections.abc import Iterable
from typing import Any

from keysvc.config import Settings
from keysvc.core.service import Service
from keysvc.errors import Unavailable
from keysvc.gate.answers import respond
from keysvc.gate.gate import Gate
from keysvc.gate.gate import PATH
from keysvc.metrics.directory import VARIABLE
from keysvc.metrics.reporter import Reporter

log = logging.getLogger(__name__)

_ALIVE = b'{"status":"ok"}'


class Application:
    """Only ``/v1/auth`` and ``/healthz``."""

    def __init__(self, service: Service) -> None:
        self._gate = Gate(service)
        # Without a directory nobody could read what is counted here.
        self._reporter = Reporter(service) if os.environ.get(VARIABLE) else None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == PATH:
            return self._gate(environ, start_response)
        if path != "/healthz":
            return respond(start_response, 404)
        length = ("Content-Length", str(len(_ALIVE)))
        start_response("200 OK", [("Content-Type", "application/json"), length])
        return [_ALIVE]


def build() -> Application:
    """
    Return the application, with the settings of the environment.

    While the database is away it answers 503: a server whose workers do not start
    would give up.

    Raises:
        Misconfigured: If a setting is wrong, or the ring is not the database's.
    """
    service = Service(Settings.from_mapping(os.environ))
    try:
        service.ensure_ready()
    except Unavailable as error:
        log.warning("not ready: %s", error)
    return Application(service)
