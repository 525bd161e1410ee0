"""The stand-alone service's own pages: ``/`` and ``/docs``."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import flask_swagger_ui
from flask import after_this_request
from flask import redirect
from flask import request
from flask import Response
from flask import send_from_directory
from flask.typing import ResponseReturnValue

from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.shapes import CORE
from keysvc.auth.chain import public
from keysvc.schemas.health import IndexSchema

#: The version of Backend.AI's API that is spoken; its client reads it first.
_WIRE_VERSION = "v6.20220315"

_ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"

#: Nothing from another host, no inline script: credentials are typed into this page.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>keysvc</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="docs/assets/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

# Swagger UI offers "Try it out" for the methods named here, upper case for those
# that OpenAPI has no field for.
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  supportedSubmitMethods: ["get", "put", "post", "delete", "patch", "REPORT"],
});
"""

blp = FamilyBlueprint("keysvc-root", "", CORE, public)


@blp.route("/", methods=["GET"])
@blp.response(200, IndexSchema)
def index() -> Any:
    """Tell what this is, and which wire it speaks; a browser is led to the docs."""
    after_this_request(_varies)
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == (
        "text/html"
    ):
        return redirect("docs", 303)
    return {
        "service": "keysvc",
        "release": version("keysvc"),
        "version": _WIRE_VERSION,
        "docs": "/docs",
    }


def _varies(response: Response) -> Response:
    response.vary.add("Accept")
    return response


def docs() -> ResponseReturnValue:
    """Show the API, and let it be tried."""
    return _own(Response(_PAGE, mimetype="text/html"))


def start() -> ResponseReturnValue:
    """Start Swagger UI: a script of its own, since the page allows none inline."""
    return _own(Response(_START, mimetype="text/javascript"))


def assets(name: str) -> ResponseReturnValue:
    """Serve Swagger UI's own files."""
    return send_from_directory(_ASSETS, name, max_age=86400)


def _own(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
