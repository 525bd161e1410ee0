"""Keypairs of a user: ``/v2/admin/keypairs``."""

from functools import partial

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.intake import path_parameter
from keysvc.api.intake import path_text
from keysvc.api.openapi import links
from keysvc.api.shapes import KEYPAIRS
from keysvc.auth.chain import authenticated
from keysvc.current import caller
from keysvc.current import service
from keysvc.model import Brief
from keysvc.model import Change
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Listing
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Page
from keysvc.schemas.keypairs import IssuedKeypairSchema
from keysvc.schemas.keypairs import KeypairChangeSchema
from keysvc.schemas.keypairs import KeypairDraftSchema
from keysvc.schemas.keypairs import KeypairKeysSchema
from keysvc.schemas.keypairs import KeypairPageSchema
from keysvc.schemas.keypairs import KeypairQuerySchema
from keysvc.schemas.keypairs import KeypairValuesSchema
from keysvc.schemas.keypairs import Selection

#: The longest user, in characters after decoding.
MAX_USER = 255

#: As long as the column is; nothing longer is anywhere.
MAX_ACCESS_KEY = 64

blp = FamilyBlueprint("keysvc-keypairs", "/v2/admin/keypairs", KEYPAIRS, authenticated)
blp.owned_by(OwnerKind.USER, "user", partial(path_text, maximum=MAX_USER))

USER = path_parameter("user", MAX_USER)
KEYPAIR = [USER, path_parameter("access_key", MAX_ACCESS_KEY)]

#: Where to go with the keypair that was just created.
LINKS = links(
    ("getKeypair", "updateKeypair", "deleteKeypair"),
    user="$request.path.user",
    access_key="$response.body#/accessKey",
)


@blp.route("/<user>", methods=["REPORT"], parameters=[USER])
@blp.arguments(KeypairQuerySchema, required=False, example=examples.KEYPAIR_QUERY)
@blp.response(200, KeypairPageSchema, example=examples.KEYPAIR_PAGE)
@blp.doc(operationId="listKeypairs")
def list_keypairs(listing: Listing, owner: Owner) -> Page[Brief]:
    """List the keypairs of a user."""
    return service.credentials.brief_page(caller, Kind.KEYPAIR, owner, listing)


@blp.route("/<user>/create", methods=["POST"], parameters=[USER])
@blp.arguments(KeypairDraftSchema, required=False, example=examples.KEYPAIR_DRAFT)
@blp.response(200, IssuedKeypairSchema, example=examples.ISSUED_KEYPAIR)
@blp.doc(operationId="createKeypair", responses={200: {"links": LINKS}})
def create_keypair(draft: Draft, owner: Owner) -> Issued:
    """Create a keypair for a user; its secret key is shown this one time."""
    return service.credentials.issue(caller, Kind.KEYPAIR, owner, draft)


@blp.route("/<user>/<access_key>", methods=["GET"], parameters=KEYPAIR)
@blp.arguments(KeypairKeysSchema, location="selection")
@blp.response(200, KeypairValuesSchema, example=examples.KEYPAIR_VALUES)
@blp.doc(operationId="getKeypair")
def get_keypair(names: list[str], owner: Owner, access_key: str) -> Selection:
    """Get properties of a keypair, in the order asked."""
    return Selection(
        service.credentials.get(caller, Kind.KEYPAIR, owner, access_key), names
    )


@blp.route("/<user>/<access_key>", methods=["PATCH"], parameters=KEYPAIR)
@blp.arguments(KeypairChangeSchema, example=examples.KEYPAIR_CHANGE)
@blp.response(204)
@blp.doc(operationId="updateKeypair")
def update_keypair(change: Change, owner: Owner, access_key: str) -> None:
    """Change properties of a keypair; what is not given stays."""
    service.credentials.change(caller, Kind.KEYPAIR, owner, access_key, change)


@blp.route("/<user>/<access_key>", methods=["DELETE"], parameters=KEYPAIR)
@blp.response(204)
@blp.doc(operationId="deleteKeypair")
def delete_keypair(owner: Owner, access_key: str) -> None:
    """Delete a keypair for good. Deactivating it is usually enough."""
    service.credentials.delete(caller, Kind.KEYPAIR, owner, access_key)
