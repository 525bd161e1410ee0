"""Logins: ``/api/v1/login``."""

from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.intake import check_form
from keysvc.api.shapes import LOGIN
from keysvc.auth.chain import public
from keysvc.current import origin
from keysvc.current import service
from keysvc.model import KeyLogin
from keysvc.model import Login
from keysvc.model import PasswordLogin
from keysvc.schemas.sessions import LoginFormSchema
from keysvc.schemas.sessions import LoginSchema

blp = FamilyBlueprint("keysvc-sessions", "/api/v1/login", LOGIN, public, check_form)


@blp.route("", methods=["POST"])
@blp.arguments(LoginFormSchema, location="form")
@blp.response(200, LoginSchema)
@blp.doc(operationId="logIn")
def log_in(login: PasswordLogin | KeyLogin) -> Login:
    """Log in with a name and a password, or with an API key."""
    return service.sessions.log_in(login, origin())
