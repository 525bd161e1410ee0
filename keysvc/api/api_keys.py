"""API keys of a service account: ``/api/v1/service_accounts/{id}/api_keys``."""

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.intake import check_idempotency_key
from keysvc.api.intake import id_parameter
from keysvc.api.intake import path_id
from keysvc.api.intake import path_parameter
from keysvc.api.openapi import links
from keysvc.api.openapi import NOTHING
from keysvc.api.shapes import API_KEYS
from keysvc.auth.chain import authenticated
from keysvc.current import caller
from keysvc.current import once
from keysvc.current import service
from keysvc.model import Change
from keysvc.model import Draft
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.schemas.api_keys import ApiKeyChangeSchema
from keysvc.schemas.api_keys import ApiKeyDraftSchema
from keysvc.schemas.api_keys import ApiKeyPageSchema
from keysvc.schemas.api_keys import ApiKeyQuerySchema
from keysvc.schemas.api_keys import ApiKeySchema
from keysvc.schemas.api_keys import RotationSchema
from keysvc.schemas.envelopes import Shown
from keysvc.schemas.envelopes import ShownPage
from keysvc.schemas.listings import HydrateSchema
from keysvc.schemas.listings import Query
from keysvc.schemas.service_accounts import MAX_NAME

blp = FamilyBlueprint(
    "keysvc-api-keys",
    "/api/v1/service_accounts/<service_account_id>/api_keys",
    API_KEYS,
    authenticated,
)
blp.owned_by(OwnerKind.SERVICE_ACCOUNT, "service_account_id", path_id)

blp.before_request(check_idempotency_key)

ACCOUNT = id_parameter("service_account_id")
API_KEY = [ACCOUNT, path_parameter("name_or_id", MAX_NAME)]

#: Where to go with the key that was just created.
LINKS = links(
    ("getApiKey", "updateApiKey", "rotateApiKey", "deleteApiKey"),
    service_account_id="$request.path.service_account_id",
    name_or_id="$response.body#/id",
)


@blp.route("", parameters=[ACCOUNT], methods=["GET"])
@blp.arguments(ApiKeyQuerySchema, location="query")
@blp.response(200, ApiKeyPageSchema)
@blp.doc(operationId="listApiKeys")
def list_api_keys(query: Query, owner: Owner) -> ShownPage:
    """List the API keys of a service account: filtered, sorted, page by page."""
    page = service.credentials.page(caller, Kind.API_KEY, owner, query.listing)
    return ShownPage(service.accounts.with_keys(owner, page), query.hydrate)


@blp.route("", parameters=[ACCOUNT], methods=["POST"])
@blp.arguments(ApiKeyDraftSchema, example=examples.API_KEY_DRAFT)
@blp.response(200, ApiKeySchema)
@blp.doc(operationId="createApiKey", responses={200: {"links": LINKS}})
def create_api_key(draft: Draft, owner: Owner) -> Shown:
    """Create an API key; the key itself is shown this one time."""
    issued = service.credentials.issue(caller, Kind.API_KEY, owner, draft, once())
    return Shown(service.accounts.with_issued(owner, issued))


@blp.route("/<name_or_id>", parameters=API_KEY, methods=["GET"])
@blp.arguments(HydrateSchema, location="query")
@blp.response(200, ApiKeySchema)
@blp.doc(operationId="getApiKey")
def get_api_key(hydrate: bool, owner: Owner, name_or_id: str) -> Shown:
    """Get an API key by its name or id."""
    key = service.credentials.get(caller, Kind.API_KEY, owner, name_or_id)
    return Shown(service.accounts.with_key(owner, key), hydrate)


@blp.route("/<name_or_id>", parameters=API_KEY, methods=["PUT"])
@blp.arguments(ApiKeyChangeSchema, required=False, example=examples.API_KEY_CHANGE)
@blp.response(200, ApiKeySchema)
@blp.doc(operationId="updateApiKey")
def update_api_key(change: Change, owner: Owner, name_or_id: str) -> Shown:
    """Change an API key; what is not given stays."""
    key = service.credentials.change(caller, Kind.API_KEY, owner, name_or_id, change)
    return Shown(service.accounts.with_key(owner, key))


@blp.route("/<name_or_id>/rotate", parameters=API_KEY, methods=["PUT"])
@blp.arguments(RotationSchema, required=False, example=examples.ROTATION)
@blp.response(200, ApiKeySchema)
@blp.doc(operationId="rotateApiKey")
def rotate_api_key(retain_minutes: int, owner: Owner, name_or_id: str) -> Shown:
    """Give an API key another secret; the old one is good a while longer."""
    issued = service.credentials.rotate(
        caller, Kind.API_KEY, owner, name_or_id, retain_minutes, once()
    )
    return Shown(service.accounts.with_issued(owner, issued), hydrate=False)


@blp.route("/<name_or_id>", parameters=API_KEY, methods=["DELETE"])
@blp.response(200)
@blp.doc(operationId="deleteApiKey", responses=NOTHING)
def delete_api_key(owner: Owner, name_or_id: str) -> None:
    """Delete an API key for good."""
    service.credentials.delete(caller, Kind.API_KEY, owner, name_or_id)
