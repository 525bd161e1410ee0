"""The blueprint that every family is built on."""

import logging
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from flask import request
from flask import Response
from werkzeug.exceptions import default_exceptions
from werkzeug.exceptions import InternalServerError

from keysvc.api.errors import problem_of
from keysvc.api.intake import check_request
from keysvc.api.intake import StrictParser
from keysvc.api.openapi import DocumentedBlueprint
from keysvc.api.shapes import LOGIN
from keysvc.api.shapes import Shape
from keysvc.api.told import json_response
from keysvc.auth.chain import public
from keysvc.current import begin
from keysvc.current import request_id_of
from keysvc.current import seconds_of
from keysvc.current import service
from keysvc.current import this_request
from keysvc.errors import KeysvcError
from keysvc.metrics.labels import METHODS
from keysvc.metrics.labels import UNMATCHED
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.traces import trace_of

log = logging.getLogger(__name__)

#: What only somebody who had to be let in can be answered.
_ENTRY = {401, 403, 404}


class FamilyBlueprint(DocumentedBlueprint):
    """
    Routes of one family: strict requests, one entry, errors in its own shape.

    Args:
        shape: How the family tells an error.
        entry: Who may enter: ``authenticated`` or ``public``.
        intake: What reads the body: JSON, unless the routes take forms.
    """

    ARGUMENTS_PARSER = StrictParser()

    def __init__(
        self,
        name: str,
        url_prefix: str,
        shape: Shape,
        entry: Callable[[], None],
        intake: Callable[[], None] = check_request,
    ) -> None:
        super().__init__(name, __name__, url_prefix=url_prefix)
        self.shape, self.entry = shape, entry
        self.before_request(begin)
        self.before_request(intake)
        self.before_request(entry)
        self.after_request(finish)
        self._register_errors()

    def owned_by(
        self, kind: OwnerKind, part: str, read: Callable[[str, str], str]
    ) -> None:
        """
        Turn the *part* of the path into the owner that the core knows.

        After the entry, for a stranger is told nothing of what he asks.

        Args:
            read: Returns the owner's id, of that part and its name.
        """

        def read_owner() -> None:
            values: dict[str, Any] = request.view_args or {}
            if part in values:
                values["owner"] = Owner(kind, read(values.pop(part), part))

        self.before_request(read_owner)

    def errors(self) -> Iterable[tuple[int, str, type]]:
        """Yield status, media type and schema of each error an operation can have."""
        # A login is open to all, and yet lets in only whom it knows.
        open_to_all = self.is_public() and self.shape is not LOGIN
        for status in self.shape.documented:
            if not (open_to_all and status in _ENTRY):
                yield status, self.shape.media_type, self.shape.schema

    def is_public(self) -> bool:
        """Tell whether anyone may enter."""
        return self.entry is public

    def _register_errors(self) -> None:
        """
        Answer the errors of these routes, and no others.

        Each code is named, since Flask prefers an application's handler of a code
        to a blueprint's handler of a class.
        """
        self.register_error_handler(KeysvcError, self.answer)
        self.register_error_handler(Exception, self.fail)
        for code in default_exceptions:
            self.register_error_handler(code, self.answer)

    def answer(self, error: Exception) -> Response:
        """Answer *error* in the family's shape."""
        return answer(error, self.shape)

    def fail(self, error: Exception) -> Response:
        """Answer what nobody has foreseen, and log it: a host would quote it."""
        log_fault(error)
        return self.answer(InternalServerError())


def answer(error: Exception, shape: Shape) -> Response:
    """Answer *error* in *shape*, with the headers that it calls for."""
    problem = problem_of(error, shape.statuses, shape.challenge)
    response = json_response(shape.body(problem), problem.status)
    response.mimetype = shape.media_type
    response.headers.update(dict(problem.headers))
    return response


def log_fault(error: BaseException) -> None:
    """Log where a request has failed, and nothing that it has brought along."""
    log.error("a request has failed\n%s", trace_of(error))


def finish(response: Response) -> Response:
    """Name the request, count it, and keep it out of every cache; once is enough."""
    if "X-Request-ID" in response.headers:
        return response
    it = this_request()
    route = it.url_rule.rule if it.url_rule else UNMATCHED
    key = (route, METHODS[it.method], response.status_code)
    service.tallies.requests[key].append(seconds_of(it.environ))
    response.headers["X-Request-ID"] = request_id_of(it.environ)
    response.headers.setdefault("Cache-Control", "no-store")
    if response.status_code == 204:
        response.headers.pop("Content-Type", None)
    return response
