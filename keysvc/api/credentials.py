"""Credentials of all families: ``/v1/credentials``."""

from flask import Response

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.intake import path_parameter
from keysvc.api.shapes import CREDENTIALS
from keysvc.api.told import json_response
from keysvc.auth.chain import authenticated
from keysvc.current import caller
from keysvc.current import service
from keysvc.model import Credential
from keysvc.model import Cut
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Search
from keysvc.schemas.access_keys import IssuedAccessKeySchema
from keysvc.schemas.api_keys import ApiKeySchema
from keysvc.schemas.credentials import CredentialPageSchema
from keysvc.schemas.credentials import CredentialQuerySchema
from keysvc.schemas.credentials import DeactivatedSchema
from keysvc.schemas.credentials import Deactivation
from keysvc.schemas.credentials import DeactivationSchema
from keysvc.schemas.credentials import GraceSchema
from keysvc.schemas.credentials import RotatedSchema
from keysvc.schemas.envelopes import Shown
from keysvc.schemas.keypairs import IssuedKeypairSchema

blp = FamilyBlueprint(
    "keysvc-credentials", "/v1/credentials", CREDENTIALS, authenticated
)

#: As long as the longest of their ids, an access key's column.
MAX_ID = 64

CREDENTIAL = [path_parameter("credential_id", MAX_ID)]

#: How each family tells what was just created, and with which status.
_ISSUED = {
    Kind.KEYPAIR: IssuedKeypairSchema(),
    Kind.API_KEY: ApiKeySchema(),
    Kind.ACCESS_KEY: IssuedAccessKeySchema(),
}
_STATUS = {Kind.KEYPAIR: 200, Kind.API_KEY: 200, Kind.ACCESS_KEY: 201}


@blp.route("", methods=["GET"])
@blp.arguments(CredentialQuerySchema, location="query")
@blp.response(200, CredentialPageSchema, example=examples.CREDENTIAL_PAGE)
@blp.doc(operationId="listCredentials")
def list_credentials(search: Search) -> Cut[Credential]:
    """List credentials of all families, oldest first: to find what to clean up."""
    return service.upkeep.page(caller, search)


@blp.route("/<credential_id>/rotate", methods=["POST"], parameters=CREDENTIAL)
@blp.arguments(GraceSchema, required=False, example=examples.GRACE)
@blp.response(200, RotatedSchema, example=examples.ISSUED_KEYPAIR)
@blp.alt_response(201, schema=IssuedAccessKeySchema, description="An access key.")
@blp.doc(operationId="rotateCredential")
def rotate_credential(grace_minutes: int, credential_id: str) -> Response:
    """Give a credential another secret; answered as its family answers a create."""
    return _as_created(service.upkeep.rotate(caller, credential_id, grace_minutes))


@blp.route("/deactivate", methods=["POST"])
@blp.arguments(DeactivationSchema, example=examples.DEACTIVATION)
@blp.response(200, DeactivatedSchema, example=examples.DEACTIVATED)
@blp.doc(operationId="deactivateCredentials")
def deactivate_credentials(wanted: Deactivation) -> dict[str, list[str]]:
    """Switch off all that an owner has, or all that somebody has created."""
    return {
        "ids": service.upkeep.deactivate(caller, wanted.group, dry_run=wanted.dry_run)
    }


def _as_created(issued: Issued) -> Response:
    """Answer as its family answers a create, with the same status."""
    key = issued.credential
    told = (
        Shown(service.accounts.with_issued(key.owner, issued))
        if key.kind is Kind.API_KEY
        else issued
    )
    return json_response(_ISSUED[key.kind].dump(told), _STATUS[key.kind])
