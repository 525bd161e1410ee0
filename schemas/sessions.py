"""Logins, by OAuth2's password flow: a form in, a token out."""

from typing import Any

from marshmallow import EXCLUDE
from marshmallow import fields
from marshmallow import post_load
from marshmallow import validate
from marshmallow import ValidationError

from keysvc.model import KeyLogin
from keysvc.model import PasswordLogin
from keysvc.schemas.base import Schema

_BY_PASSWORD, _BY_KEY = "password", "zenml-api-key"


class LoginFormSchema(Schema):
    """Body of login; without a user name it is an API key that logs in."""

    class Meta:
        unknown = EXCLUDE

    grant_type = fields.String(validate=validate.OneOf(["", _BY_PASSWORD, _BY_KEY]))
    username = fields.String()
    password = fields.String(required=True, validate=validate.Length(min=1))

    @post_load
    def make(self, data: dict[str, Any], **kwargs: Any) -> PasswordLogin | KeyLogin:
        name = data.get("username", "")
        grant = data.get("grant_type") or (_BY_PASSWORD if name else _BY_KEY)
        if grant == _BY_KEY:
            return KeyLogin(data["password"])
        if not name:
            raise ValidationError({"username": ["Missing data for required field."]})
        return PasswordLogin(name, data["password"])

    def describe(self, described: dict[str, Any]) -> dict[str, Any]:
        """Say that a name belongs to the password grant, and each field comes once."""
        named = {"required": ["username"]}
        by_password = {"properties": {"grant_type": {"const": _BY_PASSWORD}}}
        return described | {
            # One that is no text would be sent as many of one name.
            "additionalProperties": {"type": "string"},
            "if": {"required": ["grant_type"], **by_password},
            "then": {**named, "properties": {"username": {"minLength": 1}}},
        }


class LoginSchema(Schema):
    """The one time the token is shown."""

    access_token = fields.String(attribute="token", required=True)
    token_type = fields.Constant("bearer")
    expires_in = fields.Integer(attribute="lifetime", allow_none=True)
    refresh_token = fields.Constant(None)
    csrf_token = fields.Constant(None)
    scope = fields.Constant(None)
    device_id = fields.Constant(None)
    device_metadata = fields.Constant(None)
