"""Read requests strictly: what cannot be read is refused before anything else."""

import json
from collections.abc import Mapping
from typing import Any
from typing import NoReturn
from uuid import UUID

from flask import Request
from marshmallow import missing
from marshmallow import Schema
from marshmallow import ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from keysvc.api.bodies import read_body
from keysvc.current import idempotency_key
from keysvc.current import this_request
from keysvc.errors import Invalid
from keysvc.errors import Malformed
from keysvc.errors import MalformedPath
from keysvc.schemas.text import CLEAN_LINE
from keysvc.schemas.text import is_clean

#: What a body was read as, in the environ.
_JSON = "keysvc.json"


def check_request() -> None:
    """
    Refuse a path or a body that cannot be read in one way only.

    Raises:
        MalformedPath: For a path that could be cut in two ways.
        Malformed: For a body that is no JSON.
        RequestEntityTooLarge, UnsupportedMediaType: As they say.
    """
    asked = this_request()
    _check_path(asked.environ)
    asked.environ[_JSON] = _read_json(asked)


def check_form() -> None:
    """
    Refuse what is no form, or says anything twice: for routes that take forms.

    Raises:
        Malformed, RequestEntityTooLarge: As they say.
    """
    asked = this_request()
    _check_path(asked.environ)
    # A host may have read it before us: then the bytes are gone, and the form is here.
    if "form" not in vars(asked):
        read_body(asked)
    if asked.mimetype not in _FORMS:
        raise Malformed("The body must be a form.")
    if any(len(values) > 1 for _, values in asked.form.lists()):
        raise Malformed("A field is given twice.")


_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}


def check_idempotency_key() -> None:
    """Refuse an idempotency key that is no UUID, even where nothing is made."""
    idempotency_key()


def check_path() -> None:
    """Refuse an encoded slash, a control or bidi character, and what is no UTF-8."""
    _check_path(this_request().environ)


def _check_path(environ: dict[str, Any]) -> None:
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI", "")
    raw = target.partition("?")[0].upper()
    try:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode()
    except UnicodeError:
        _refuse_path("is not UTF-8")
    if "%2F" in raw:
        _refuse_path("holds an encoded slash")
    if not is_clean(path):
        _refuse_path("holds a control or bidirectional character")


def path_text(value: str, name: str, maximum: int) -> str:
    """Return the part *name* of the path, which has at most *maximum* characters."""
    if len(value) > maximum:
        message = f"Must have at most {maximum} characters."
        raise MalformedPath(f"{name}: {message}", {name: [message]})
    return value


def path_id(value: str, name: str) -> str:
    """Return the id that the part *name* of the path is, in its usual spelling."""
    try:
        return str(UUID(value))
    except ValueError:
        message = "Must be a UUID."
        raise Invalid(f"{name}: {message}", {name: [message]}) from None


def path_parameter(name: str, maximum: int) -> dict[str, Any]:
    """Return how OpenAPI describes what ``path_text`` takes."""
    # A slash is none of it: it would arrive as another path.
    pattern = CLEAN_LINE + "[^/]+"
    schema = {"type": "string", "minLength": 1, "maxLength": maximum}
    return {"in": "path", "name": name, "schema": schema | {"pattern": pattern}}


def id_parameter(name: str) -> dict[str, Any]:
    """Return how OpenAPI describes an id in the path."""
    return {"in": "path", "name": name, "schema": {"type": "string", "format": "uuid"}}


class StrictParser(FlaskParser):
    """Give schemas what ``check_request`` has read; their errors become ``Invalid``."""

    # Whether unknown fields are refused is each schema's to say, in every location.
    DEFAULT_UNKNOWN_BY_LOCATION = dict.fromkeys(FlaskParser.__location_map__)
    __location_map__ = {**FlaskParser.__location_map__, "selection": "load_selection"}

    def load_json(self, req: Any, schema: Schema) -> Any:
        """Return the body, or nothing where there is none."""
        return req.environ[_JSON]

    def load_selection(self, req: Any, schema: Schema) -> Any:
        """Return ``keys`` from a JSON body, ``?keys=a&keys=b``, or ``?keys=a,b``."""
        body = req.environ[_JSON]
        if "keys" not in req.args:
            return {} if body is missing else body
        if body is not missing and body != {}:
            raise Invalid("Give keys in the query or in the body, not in both.")
        names = [n for value in req.args.getlist("keys") for n in value.split(",")]
        return {**req.args, "keys": [name for name in names if name]}

    def handle_error(
        self, error: ValidationError, *args: Any, **kwargs: Any
    ) -> NoReturn:
        """Tell what is wrong, by the path of each field."""
        messages: Any = error.messages
        fields = dict(_flat(next(iter(messages.values()))))
        said = "; ".join(f"{name}: {' '.join(m)}" for name, m in fields.items())
        raise Invalid(said, fields)


def _flat(messages: Any, path: str = "") -> list[tuple[str, list[str]]]:
    """Name each message by the path to its field."""
    if isinstance(messages, Mapping):
        return [
            found
            for name, inner in messages.items()
            for found in _flat(
                inner, path if name == "_schema" else f"{path}.{name}".lstrip(".")
            )
        ]
    return [(path or "body", [str(message) for message in messages])]


def _refuse_path(why: str) -> NoReturn:
    raise MalformedPath(f"The path {why}.", {"path": [f"The path {why}."]})


def _read_json(asked: Request) -> Any:
    """Return the JSON of the body, or ``missing`` where there is no body."""
    raw = read_body(asked)
    if not raw:
        return missing
    if not asked.is_json:
        raise UnsupportedMediaType("A body must be application/json.")
    try:
        body = json.loads(
            raw.decode(),
            object_pairs_hook=_object,
            parse_constant=_constant,
        )
        if b"\\u" in raw:
            # Half of a surrogate pair is no character: no answer could repeat it.
            json.dumps(body, ensure_ascii=False).encode()
        return body
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The body cannot be read: {_reason(error)}.") from None


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, UnicodeEncodeError):
        return "it holds half of a surrogate pair"
    if isinstance(error, _Refused):
        return str(error)
    return (
        "it is nested too deep"
        if isinstance(error, RecursionError)
        else "a number is too long"
    )


class _Refused(ValueError):
    """JSON that this service does not take."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is given twice: readers differ on which value counts."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Refused("a name is given twice in one object")
    return result


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is no JSON")
