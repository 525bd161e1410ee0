"""OpenAPI 3.2 with REPORT in it, as a guest in somebody else's application."""

import threading
from collections.abc import Callable
from collections.abc import Iterable
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Flask
from flask import request
from flask import Response
from flask.typing import ResponseReturnValue
from flask_smorest import Api
from flask_smorest import Blueprint
from marshmallow import Schema

from keysvc.api.methods import AnyMethodSpec
from keysvc.api.methods import DescribingPlugin
from keysvc.api.told import json_response

#: How the callers of ``keysvc.auth`` are known; any one of them will do.
_SCHEMES = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "A keypair: access key and secret key.",
    },
    "backendai": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "A keypair's signature: `BackendAI signMethod=HMAC-SHA256,"
        " credential=<access key>:<signature>`.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of a login, or an API key or access key itself.",
    },
    "accesskey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "An access key: `AccessKey <token>`.",
    },
}


def links(operations: Iterable[str], **parameters: str) -> dict[str, Any]:
    """Describe where to go from an answer: the parameters of *operations*."""
    return {
        operation: {"operationId": operation, "parameters": parameters}
        for operation in operations
    }


#: The documentation of what is answered with ``null``.
NOTHING = {200: {"content": {"application/json": {"schema": {"type": "null"}}}}}

_HEADERS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


class GuestApi(Api):  # type: ignore[misc]
    """
    An ``Api`` that leaves the error pages of the application alone.

    Its document names paths as they are below *url_prefix*; that is in ``servers``. It
    is put together when it is first asked for: that takes longer than all the rest of
    a start.
    """

    #: Every operation names its own errors, in the shape of its family.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask, url_prefix: str) -> None:
        self._url_prefix = url_prefix
        self._lock, self._undocumented = threading.Lock(), list[DocumentedBlueprint]()
        app.config.update(
            KEYSVC_API_TITLE="keysvc",
            KEYSVC_API_VERSION="1",
            KEYSVC_OPENAPI_VERSION="3.2.0",
            KEYSVC_OPENAPI_URL_PREFIX=url_prefix or "/",
        )
        plugin = DescribingPlugin()
        super().__init__(
            app, config_prefix="KEYSVC", spec_kwargs={"marshmallow_plugin": plugin}
        )
        for name, scheme in _SCHEMES.items():
            self.spec.components.security_scheme(name, scheme)

    def register_blueprint(self, blp: "DocumentedBlueprint", **options: Any) -> None:
        """Register a blueprint in the application; its part of the document waits."""
        self._app.register_blueprint(blp, **options)
        self._undocumented.append(blp)

    def document(self) -> dict[str, Any]:
        """Return the document of all that is registered."""
        with self._lock:
            while self._undocumented:
                blp = self._undocumented.pop(0)
                blp.register_views_in_doc(
                    self, self._app, self.spec, name=blp.name, parameters=None
                )
                self.spec.tag({"name": blp.name, "description": blp.description})
            document: dict[str, Any] = self.spec.to_dict()
        return document

    def _openapi_json(self) -> Response:
        """Serve the document, which knows where the application itself is mounted."""
        server = {"url": f"{request.script_root}{self._url_prefix}" or "/"}
        return json_response({**self.document(), "servers": [server]}, indent=True)

    def _register_responses(self) -> None:
        """Do nothing: nor is there any other shape of error."""

    def _register_pagination_header(self) -> None:
        """Do nothing: pages say in their body where they end."""

    def _register_error_handlers(self) -> None:
        """Do nothing: each family's blueprint answers its own errors."""


class DocumentedBlueprint(Blueprint):  # type: ignore[misc]
    """A ``Blueprint`` that documents REPORT, its callers and its errors."""

    HTTP_METHODS = [*Blueprint.HTTP_METHODS, "REPORT"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.insert(0, self._document_selection)
        self._prepare_doc_cbks += [self._document_entry, self._document_errors]

    def register_views_in_doc(self, api: Any, app: Any, spec: Any, **kw: Any) -> None:
        """Document the routes, those of REPORT too."""
        prefix = api._url_prefix
        super().register_views_in_doc(api, app, AnyMethodSpec(spec, prefix), **kw)

    def arguments(self, schema: type[Schema], **kwargs: Any) -> Any:
        """Read arguments by one instance of *schema*: webargs makes one a request."""
        return super().arguments(schema(), **kwargs)

    def response(
        self, status: int, schema: type[Schema] | None = None, **kwargs: Any
    ) -> Any:
        """Dump what a view returns by one instance of *schema*, and document it."""
        instance = schema() if schema else None
        document = super().response(status, instance, **kwargs)

        def decorate(view: Callable[..., Any]) -> Any:
            @wraps(view)
            def answered(*args: Any, **kw: Any) -> ResponseReturnValue:
                result = view(*args, **kw)
                if isinstance(result, Response):
                    return result
                told = instance.dump(result) if instance else result
                return json_response(told, status)

            return document(answered)

        return decorate

    def errors(self) -> Iterable[tuple[int, str, type]]:
        """Yield status, media type and schema of each error an operation can have."""
        return ()

    def is_public(self) -> bool:
        """Tell whether anyone may enter."""
        return True

    def _document_selection(self, doc: Any, info: Any, **kwargs: Any) -> Any:
        """Say ``query`` of what is read from the query or from a body."""
        for parameter in info.get("arguments", {}).get("parameters", ()):
            if parameter["in"] == "selection":
                parameter["in"] = "query"
        return doc

    def _document_entry(self, doc: Any, info: Any, **kwargs: Any) -> Any:
        doc["security"] = [] if self.is_public() else [{name: []} for name in _SCHEMES]
        return doc

    def _document_errors(self, doc: Any, info: Any, **kwargs: Any) -> Any:
        responses = doc.setdefault("responses", {})
        # What flask-smorest adds by name is in its own shape.
        for status in [s for s, named in responses.items() if isinstance(named, str)]:
            del responses[status]
        for status, media_type, schema in self.errors():
            response: dict[str, Any] = {
                "description": HTTPStatus(status).phrase,
                "content": {media_type: {"schema": schema}},
            }
            if header := _HEADERS.get(status):
                response["headers"] = {header: {"schema": {"type": "string"}}}
            responses.setdefault(status, response)
        return doc
