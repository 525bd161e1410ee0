"""Log lines in JSON, each with the id of the request that it belongs to."""

import logging
import sys
from typing import Any

from flask import Flask
from flask import has_request_context
from flask import request
from flask import Response
from pythonjsonlogger.json import JsonFormatter as _JsonFormatter

from keysvc.current import caller_id
from keysvc.current import request_id
from keysvc.current import seconds
from keysvc.current import service
from keysvc.metrics.labels import METHODS
from keysvc.traces import trace_of

log = logging.getLogger("keysvc.request")


class JsonFormatter(_JsonFormatter):
    """One JSON object a line: time, level, logger, message, and what belongs to it."""

    def __init__(self) -> None:
        super().__init__(
            "{levelname}{name}{message}",
            style="{",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
        )

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        if has_request_context():
            log_data["requestId"], log_data["caller"] = request_id(), caller_id()

    def formatException(self, ei: Any) -> str:
        """Tell where it happened, and not in the words of whoever raised it."""
        return trace_of(ei[1]) if ei[1] else ""


#: How gunicorn's lines begin that quote a request, and what they may go on with.
_QUOTING = {
    "Invalid request from ip=": ": ",
    "Error handling request": " ",
    "Ignored premature client disconnection": ".",
    "Closing connection": ".",
}


class WithoutRequest(logging.Filter):
    """
    Cut from gunicorn's own lines what a client has sent.

    It quotes whatever it cannot read, and that may be half an Authorization header.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        message = str(record.msg)
        for beginning, rest in _QUOTING.items():
            if message.startswith(beginning):
                kept = message[len(beginning) :].partition(rest)[0]
                record.msg, record.args = beginning + kept, ()
        return True


def configure(app: Flask) -> None:
    """Write the log of *app*, and of keysvc, to standard error."""
    with app.app_context():
        settings = service.settings
    logger = logging.getLogger("keysvc")
    logger.setLevel(settings.log_level)
    # Under gunicorn the settings of gunicorn_conf have made a handler already.
    if not logger.hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
    if settings.access_log:
        app.after_request(_log_request)


def _log_request(response: Response) -> Response:
    """Tell the route, and no path, query or method of theirs: clients choose those."""
    log.info(
        "request",
        extra={
            "method": METHODS[request.method],
            "route": request.url_rule.rule if request.url_rule else None,
            "status": response.status_code,
            "ms": round(seconds() * 1000, 2),
        },
    )
    return response
