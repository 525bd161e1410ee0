"""Service accounts: ``/api/v1/service_accounts``."""

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.shapes import API_KEYS
from keysvc.auth.chain import authenticated
from keysvc.current import caller
from keysvc.current import once
from keysvc.current import service
from keysvc.model import AccountChange
from keysvc.model import AccountDraft
from keysvc.schemas.envelopes import Shown
from keysvc.schemas.envelopes import ShownPage
from keysvc.schemas.filters import HydrateSchema
from keysvc.schemas.filters import Query
from keysvc.schemas.service_accounts import ServiceAccountChangeSchema
from keysvc.schemas.service_accounts import ServiceAccountDraftSchema
from keysvc.schemas.service_accounts import ServiceAccountPageSchema
from keysvc.schemas.service_accounts import ServiceAccountQuerySchema
from keysvc.schemas.service_accounts import ServiceAccountSchema

blp = FamilyBlueprint(
    "keysvc-service-accounts", "/api/v1/service_accounts", API_KEYS, authenticated
)


@blp.route("", methods=["GET"])
@blp.arguments(ServiceAccountQuerySchema, location="query")
@blp.response(200, ServiceAccountPageSchema)
def list_service_accounts(query: Query) -> ShownPage:
    """List service accounts: filtered, sorted, page by page."""
    return ShownPage(service.accounts.page(caller, query.listing), query.hydrate)


@blp.route("", methods=["POST"])
@blp.arguments(ServiceAccountDraftSchema, example=examples.SERVICE_ACCOUNT_DRAFT)
@blp.response(200, ServiceAccountSchema)
def create_service_account(draft: AccountDraft) -> Shown:
    """Create a service account."""
    return Shown(service.accounts.create(caller, draft, once()))


@blp.route("/<name_or_id>", methods=["GET"])
@blp.arguments(HydrateSchema, location="query")
@blp.response(200, ServiceAccountSchema)
def get_service_account(hydrate: bool, name_or_id: str) -> Shown:
    """Get a service account by its name or id."""
    return Shown(service.accounts.get(caller, name_or_id), hydrate)


@blp.route("/<name_or_id>", methods=["PUT"])
@blp.arguments(ServiceAccountChangeSchema, example=examples.SERVICE_ACCOUNT_CHANGE)
@blp.response(200, ServiceAccountSchema)
def update_service_account(change: AccountChange, name_or_id: str) -> Shown:
    """Change a service account; what is not given stays."""
    return Shown(service.accounts.change(caller, name_or_id, change))


@blp.route("/<name_or_id>", methods=["DELETE"])
@blp.response(200)
def delete_service_account(name_or_id: str) -> None:
    """Delete a service account and all its keys."""
    service.accounts.delete(caller, name_or_id)
