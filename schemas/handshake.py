"""What ZenML's client reads of the deployment and of itself."""

from typing import Any

from marshmallow import fields

from keysvc.schemas.answers import Whole
from keysvc.schemas.base import Schema
from keysvc.schemas.envelopes import EnvelopeSchema
from keysvc.schemas.envelopes import Metadata
from keysvc.schemas.envelopes import NaiveMoment


class InfoSchema(Schema):
    """What this deployment is. What keysvc has nothing of is a constant."""

    id = fields.UUID(required=True)
    name = fields.Constant("keysvc")
    version = fields.String(required=True)
    active = fields.Constant(True)
    debug = fields.Constant(False)
    deployment_type = fields.Constant("other")
    database_type = fields.String(required=True)
    secrets_store_type = fields.Constant("none")
    auth_scheme = fields.Constant("OAUTH2_PASSWORD_BEARER")
    server_url = fields.Constant("")
    dashboard_url = fields.Constant("")
    analytics_enabled = fields.Constant(False)
    metadata = fields.Function(lambda info: dict[str, Any]())
    last_user_activity = fields.Constant(None)
    pro_dashboard_url = fields.Constant(None)
    pro_api_url = fields.Constant(None)
    pro_organization_id = fields.Constant(None)
    pro_organization_name = fields.Constant(None)
    pro_workspace_id = fields.Constant(None)
    pro_workspace_name = fields.Constant(None)


class CurrentUserBodySchema(Schema):
    """What is always shown of whoever holds the token."""

    created = NaiveMoment(attribute="item.created_at", required=True)
    updated = NaiveMoment(attribute="item.updated_at", required=True)
    active = fields.Boolean(attribute="item.is_active", required=True)
    activation_token = fields.Constant(None)
    full_name = fields.String(attribute="item.full_name", required=True)
    email_opted_in = fields.Constant(None)
    is_service_account = fields.Boolean(
        attribute="item.is_service_account", required=True
    )
    is_admin = fields.Boolean(attribute="item.is_admin", required=True)
    default_project_id = fields.Constant(None)
    avatar_url = fields.Constant(None)


class CurrentUserMetadataSchema(Schema):
    """What is shown of a hydrated user."""

    password_changed_at = NaiveMoment(
        attribute="item.password_changed_at", allow_none=True
    )
    email = fields.Constant(None)
    external_user_id = fields.UUID(attribute="item.external_user_id", allow_none=True)
    user_metadata = fields.Function(lambda shown: dict[str, Any]())
    oidc_claims = fields.Function(lambda shown: dict[str, Any]())


class CurrentUserSchema(EnvelopeSchema):
    """The operator or service account behind the token."""

    body = Whole(CurrentUserBodySchema)
    metadata = Metadata(CurrentUserMetadataSchema)


class AnyPageSchema(Schema):
    """A page of what keysvc has next to nothing of."""

    index = fields.Constant(1)
    max_size = fields.Constant(20)
    total_pages = fields.Constant(1)
    total = fields.Integer(required=True)
    items = fields.List(fields.Dict(), required=True)
