"""Service accounts: ``/api/v1/service_accounts``."""

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.intake import check_idempotency_key
from keysvc.api.intake import path_parameter
from keysvc.api.openapi import links
from keysvc.api.openapi import NOTHING
from keysvc.api.shapes import API_KEYS
from keysvc.auth.chain import authenticated
from keysvc.current import caller
from keysvc.current import once
from keysvc.current import service
from keysvc.model import AccountChange
from keysvc.model import AccountDraft
from keysvc.schemas.envelopes import Shown
from keysvc.schemas.envelopes import ShownPage
from keysvc.schemas.listings import HydrateSchema
from keysvc.schemas.listings import Query
from keysvc.schemas.service_accounts import MAX_NAME
from keysvc.schemas.service_accounts import ServiceAccountChangeSchema
from keysvc.schemas.service_accounts import ServiceAccountDraftSchema
from keysvc.schemas.service_accounts import ServiceAccountPageSchema
from keysvc.schemas.service_accounts import ServiceAccountQuerySchema
from keysvc.schemas.service_accounts import ServiceAccountSchema

blp = FamilyBlueprint(
    "keysvc-service-accounts", "/api/v1/service_accounts", API_KEYS, authenticated
)

blp.before_request(check_idempotency_key)

NAME_OR_ID = path_parameter("name_or_id", MAX_NAME)

#: Where to go with the account that was just created.
LINKS = links(
    ("getServiceAccount", "updateServiceAccount", "deleteServiceAccount"),
    name_or_id="$response.body#/id",
) | links(("createApiKey", "listApiKeys"), service_account_id="$response.body#/id")


@blp.route("", methods=["GET"])
@blp.arguments(ServiceAccountQuerySchema, location="query")
@blp.response(200, ServiceAccountPageSchema)
@blp.doc(operationId="listServiceAccounts")
def list_service_accounts(query: Query) -> ShownPage:
    """List service accounts: filtered, sorted, page by page."""
    return ShownPage(service.accounts.page(caller, query.listing), query.hydrate)


@blp.route("", methods=["POST"])
@blp.arguments(ServiceAccountDraftSchema, example=examples.SERVICE_ACCOUNT_DRAFT)
@blp.response(200, ServiceAccountSchema)
@blp.doc(operationId="createServiceAccount", responses={200: {"links": LINKS}})
def create_service_account(draft: AccountDraft) -> Shown:
    """Create a service account."""
    return Shown(service.accounts.create(caller, draft, once()))


@blp.route("/<name_or_id>", parameters=[NAME_OR_ID], methods=["GET"])
@blp.arguments(HydrateSchema, location="query")
@blp.response(200, ServiceAccountSchema)
@blp.doc(operationId="getServiceAccount")
def get_service_account(hydrate: bool, name_or_id: str) -> Shown:
    """Get a service account by its name or id."""
    return Shown(service.accounts.get(caller, name_or_id), hydrate)


@blp.route("/<name_or_id>", parameters=[NAME_OR_ID], methods=["PUT"])
@blp.arguments(
    ServiceAccountChangeSchema, required=False, example=examples.SERVICE_ACCOUNT_CHANGE
)
@blp.response(200, ServiceAccountSchema)
@blp.doc(operationId="updateServiceAccount")
def update_service_account(change: AccountChange, name_or_id: str) -> Shown:
    """Change a service account; what is not given stays."""
    return Shown(service.accounts.change(caller, name_or_id, change))


@blp.route("/<name_or_id>", parameters=[NAME_OR_ID], methods=["DELETE"])
@blp.response(200)
@blp.doc(operationId="deleteServiceAccount", responses=NOTHING)
def delete_service_account(name_or_id: str) -> None:
    """Delete a service account and all its keys."""
    service.accounts.delete(caller, name_or_id)
