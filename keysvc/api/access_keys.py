"""Access keys of an organization: ``/organizations/{id}/access-keys``."""

from functools import partial

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.intake import id_parameter
from keysvc.api.intake import path_parameter
from keysvc.api.intake import path_text
from keysvc.api.openapi import links
from keysvc.api.shapes import ACCESS_KEYS
from keysvc.auth.chain import authenticated
from keysvc.current import caller
from keysvc.current import service
from keysvc.model import Change
from keysvc.model import Credential
from keysvc.model import Cut
from keysvc.model import Draft
from keysvc.model import Issued
from keysvc.model import Keyset
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.schemas.access_keys import AccessKeyChangeSchema
from keysvc.schemas.access_keys import AccessKeyDraftSchema
from keysvc.schemas.access_keys import AccessKeyPageSchema
from keysvc.schemas.access_keys import AccessKeyQuerySchema
from keysvc.schemas.access_keys import AccessKeySchema
from keysvc.schemas.access_keys import IssuedAccessKeySchema
from keysvc.schemas.access_keys import MAX_ORGANIZATION

blp = FamilyBlueprint(
    "keysvc-access-keys", "/organizations", ACCESS_KEYS, authenticated
)
blp.owned_by(
    OwnerKind.ORGANIZATION,
    "organization_id",
    partial(path_text, maximum=MAX_ORGANIZATION),
)

ORGANIZATION = [path_parameter("organization_id", MAX_ORGANIZATION)]
ACCESS_KEY = [*ORGANIZATION, id_parameter("access_key_id")]
KEYS = "/<organization_id>/access-keys"
KEY = f"{KEYS}/<access_key_id>"

#: Where to go with the key that was just created.
LINKS = links(
    ("getAccessKey", "updateAccessKey", "deleteAccessKey"),
    organization_id="$request.path.organization_id",
    access_key_id="$response.body#/accessKey/id",
)


@blp.route(KEYS, methods=["GET"], parameters=ORGANIZATION)
@blp.arguments(AccessKeyQuerySchema, location="query")
@blp.response(200, AccessKeyPageSchema, example=examples.ACCESS_KEY_PAGE)
@blp.doc(operationId="listAccessKeys")
def list_access_keys(keyset: Keyset, owner: Owner) -> Cut[Credential]:
    """List the access keys of an organization, part by part."""
    return service.credentials.cut(caller, Kind.ACCESS_KEY, owner, keyset)


@blp.route(KEYS, methods=["POST"], parameters=ORGANIZATION)
@blp.arguments(AccessKeyDraftSchema, example=examples.ACCESS_KEY_DRAFT)
@blp.response(201, IssuedAccessKeySchema, example=examples.ISSUED_ACCESS_KEY)
@blp.doc(operationId="createAccessKey", responses={201: {"links": LINKS}})
def create_access_key(draft: Draft, owner: Owner) -> Issued:
    """Create an access key; its token is shown this one time."""
    return service.credentials.issue(caller, Kind.ACCESS_KEY, owner, draft)


@blp.route(KEY, methods=["GET"], parameters=ACCESS_KEY)
@blp.response(200, AccessKeySchema, example=examples.ACCESS_KEY)
@blp.doc(operationId="getAccessKey")
def get_access_key(owner: Owner, access_key_id: str) -> Credential:
    """Get an access key."""
    return service.credentials.get(caller, Kind.ACCESS_KEY, owner, access_key_id)


@blp.route(KEY, methods=["PATCH"], parameters=ACCESS_KEY)
@blp.arguments(
    AccessKeyChangeSchema, required=False, example=examples.ACCESS_KEY_CHANGE
)
@blp.response(200, AccessKeySchema, example=examples.ACCESS_KEY)
@blp.doc(operationId="updateAccessKey")
def update_access_key(change: Change, owner: Owner, access_key_id: str) -> Credential:
    """Change an access key; what is not given stays."""
    return service.credentials.change(
        caller, Kind.ACCESS_KEY, owner, access_key_id, change
    )


@blp.route(KEY, methods=["DELETE"], parameters=ACCESS_KEY)
@blp.response(204)
@blp.doc(operationId="deleteAccessKey")
def delete_access_key(owner: Owner, access_key_id: str) -> None:
    """Delete an access key for good."""
    service.credentials.delete(caller, Kind.ACCESS_KEY, owner, access_key_id)
