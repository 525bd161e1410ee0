"""The shape of errors, family by family."""

from collections.abc import Mapping
from typing import Any
from typing import Protocol

from marshmallow import Schema
from werkzeug import exceptions

from keysvc import errors
from keysvc.api.errors import Problem
from keysvc.schemas.problems import CODES
from keysvc.schemas.problems import CodeSchema
from keysvc.schemas.problems import DetailSchema
from keysvc.schemas.problems import ProblemSchema


class Shape(Protocol):
    """How one family tells a problem."""

    @property
    def media_type(self) -> str:
        """The media type of its errors."""

    @property
    def challenge(self) -> str:
        """The ``WWW-Authenticate`` of its 401."""

    @property
    def schema(self) -> type[Schema]:
        """What describes the body of its errors."""

    @property
    def documented(self) -> tuple[int, ...]:
        """The statuses of the errors that any of its operations can have."""

    @property
    def statuses(self) -> Mapping[type[Exception], int]:
        """Where it departs from the table of statuses."""

    def body(self, problem: Problem) -> dict[str, Any]:
        """Return the body of the answer."""


class CoreShape:
    """``/v1``: problem details (RFC 9457) without types of their own."""

    media_type = "application/problem+json"
    challenge = "Bearer"
    schema = ProblemSchema
    documented: tuple[int, ...] = (400, 401, 403, 413, 415, 422, 429, 500, 503)
    statuses: Mapping[type[Exception], int] = {}

    def body(self, problem: Problem) -> dict[str, Any]:
        """Return a problem object; ``errors`` holds messages by field."""
        body: dict[str, Any] = {
            "type": self.type_of(problem),
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
        }
        return body | ({"errors": dict(problem.fields)} if problem.fields else {})

    def type_of(self, problem: Problem) -> str:
        """Return the URI that names this kind of problem."""
        return "about:blank"


class CredentialShape(CoreShape):
    """``/v1/credentials``: one of them may not be there, or be the shell's alone."""

    documented = (400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503)


class GateShape(CoreShape):
    """Forward auth: what a proxy can be told."""

    documented = (400, 401, 403, 429, 503)


class KeypairShape(CoreShape):
    """Backend.AI's problems: each kind has a name of its own."""

    challenge = 'Basic realm="keysvc"'
    documented = (400, 401, 403, 404, 413, 415, 429, 500, 503)
    statuses = {errors.Invalid: 400, errors.MalformedCredential: 400}

    def type_of(self, problem: Problem) -> str:
        """Return Backend.AI's name of this kind of problem."""
        suffix = _BY_MEANING.get(problem.meaning) or _BY_STATUS.get(problem.status)
        if suffix is None:
            return super().type_of(problem)
        return f"https://api.backend.ai/probs/{suffix}"


class ApiKeyShape:
    """ZenML's errors: a name of the error, and a message."""

    media_type = "application/json"
    challenge = "Bearer"
    schema = DetailSchema
    documented: tuple[int, ...] = (
        *(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503),
    )
    statuses: Mapping[type[Exception], int] = {}

    def body(self, problem: Problem) -> dict[str, Any]:
        """Return ``detail``: a pair of name and message, or a message alone."""
        if problem.meaning is errors.Unauthenticated:
            return {"detail": "Not authenticated"}
        name = self.name_of(problem)
        return {"detail": [name, problem.detail] if name else problem.detail}

    def name_of(self, problem: Problem) -> str | None:
        """Return ZenML's name of this kind of error, where it has one."""
        if issubclass(problem.meaning, errors.KeysvcError):
            return _ZENML_NAMES.get(problem.status)
        return None


class LoginShape(ApiKeyShape):
    """Of a login, what cannot be read is told without a name."""

    statuses = {errors.Invalid: 400}
    documented = (400, 401, 403, 413, 429, 500, 503)

    def name_of(self, problem: Problem) -> str | None:
        """Name only credentials that are not good."""
        return None if problem.status == 400 else super().name_of(problem)


class AccessKeyShape:
    """Bird's errors: a code, a message, and details by field."""

    media_type = "application/json"
    challenge = "AccessKey"
    schema = CodeSchema
    documented: tuple[int, ...] = (
        *(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503),
    )
    #: What cannot be read names nothing that is there.
    statuses: Mapping[type[Exception], int] = {errors.MalformedPath: 404}

    def body(self, problem: Problem) -> dict[str, Any]:
        """Return Bird's error object; of what is absent it tells nothing more."""
        other = CODES[400 if problem.status < 500 else 500]
        absent = problem.status == 404
        return {
            "code": CODES.get(problem.status, other),
            "message": _ABSENT if absent else problem.detail,
            "details": {} if absent else dict(problem.fields),
        }


_ABSENT = "There is no such resource."

_ZENML_NAMES = {
    400: "ValueError",
    401: "CredentialsNotValid",
    403: "IllegalOperationError",
    404: "KeyError",
    409: "EntityExistsError",
    422: "ValueError",
}

_BY_MEANING: dict[type[Exception], str] = {
    errors.MalformedCredential: "invalid-auth-params",
    exceptions.NotFound: "url-not-found",
}

_BY_STATUS = {
    400: "invalid-api-params",
    401: "auth-failed",
    403: "generic-forbidden",
    404: "keypair-not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    415: "unsupported-media-type",
    429: "rate-limit-exceeded",
    500: "internal-server-error",
    503: "service-unavailable",
}

CORE = CoreShape()
CREDENTIALS = CredentialShape()
GATE = GateShape()
KEYPAIRS = KeypairShape()
API_KEYS = ApiKeyShape()
LOGIN = LoginShape()
ACCESS_KEYS = AccessKeyShape()
