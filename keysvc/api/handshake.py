"""
What ZenML's client asks before and beside its real calls.

It reads ``info`` first, and the full client also lists projects and stacks, which
keysvc has none of. These answers are constants, and kept apart from what is real.
"""

from typing import Any
from uuid import NAMESPACE_URL
from uuid import uuid5

from flask import Response
from flask.typing import ResponseReturnValue

from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.intake import path_parameter
from keysvc.api.shapes import API_KEYS
from keysvc.auth.chain import authenticated
from keysvc.auth.chain import public
from keysvc.core.people.current_user import CurrentUser
from keysvc.current import caller
from keysvc.current import service
from keysvc.errors import NotFound
from keysvc.schemas.envelopes import Shown
from keysvc.schemas.handshake import AnyPageSchema
from keysvc.schemas.handshake import CurrentUserSchema
from keysvc.schemas.handshake import InfoSchema
from keysvc.schemas.listings import HydrateSchema
from keysvc.schemas.service_accounts import MAX_NAME

#: The version of ZenML's wire that is spoken.
VERSION = "0.98.0"

_EPOCH = "2025-01-01T00:00:00.000000"
_STACK = {
    "id": str(uuid5(NAMESPACE_URL, "keysvc/stacks/default")),
    "name": "default",
    "body": {"created": _EPOCH, "updated": _EPOCH},
    "metadata": None,
    "resources": None,
    "permission_denied": False,
}

_ID = path_parameter("id", MAX_NAME)
_TEXT = {200: {"content": {"application/json": {"schema": {"type": "string"}}}}}

open_blp = FamilyBlueprint("keysvc-handshake", "", API_KEYS, public)
blp = FamilyBlueprint("keysvc-handshake-user", "/api/v1", API_KEYS, authenticated)


@open_blp.route("/api/v1/info", methods=["GET"])
@open_blp.response(200, InfoSchema)
@open_blp.doc(operationId="getInfo")
def info() -> dict[str, Any]:
    """Tell what this deployment is: the first thing the client reads."""
    return {
        "id": service.installation.deployment_id(),
        "version": VERSION,
        "database_type": service.installation.database_type(),
    }


@open_blp.route("/api/v1/version", methods=["GET"])
@open_blp.response(200)
@open_blp.doc(operationId="getVersion", responses=_TEXT)
def version() -> str:
    """Tell the version of the wire."""
    return VERSION


@open_blp.route("/health", methods=["GET"])
@open_blp.response(200, content_type="text/plain")
@open_blp.doc(operationId="getHealth")
def health() -> ResponseReturnValue:
    """Tell that the process lives."""
    return Response("ok", mimetype="text/plain")


@blp.route("/current-user", methods=["GET"])
@blp.arguments(HydrateSchema, location="query")
@blp.response(200, CurrentUserSchema)
@blp.doc(operationId="getCurrentUser")
def current_user(hydrate: bool) -> Shown:
    """Get the operator or service account behind the token."""
    user: CurrentUser = service.current_user(caller)
    return Shown(user, hydrate)


@blp.route("/projects", methods=["GET"])
@blp.response(200, AnyPageSchema)
@blp.doc(operationId="listProjects")
def projects() -> dict[str, Any]:
    """List projects: there are none."""
    return {"total": 0, "items": []}


@blp.route("/stacks", methods=["GET"])
@blp.response(200, AnyPageSchema)
@blp.doc(operationId="listStacks")
def stacks() -> dict[str, Any]:
    """List stacks: there is one, a constant."""
    return {"total": 1, "items": [_STACK]}


@blp.route("/projects/<id>", parameters=[_ID], methods=["GET"])
@blp.response(200)
@blp.doc(operationId="getProject")
def project(id: str) -> None:
    """Get a project: there is none."""
    raise NotFound("There is no such project.")


@blp.route("/stacks/<id>", parameters=[_ID], methods=["GET"])
@blp.response(200)
@blp.doc(operationId="getStack")
def stack(id: str) -> None:
    """Get a stack: it cannot be asked for one by one."""
    raise NotFound("There is no such stack.")
