"""People log in with a password, their programs with a key; both are one user."""

from collections.abc import Mapping
from typing import Any

from flask import abort
from flask import Blueprint
from flask import Flask
from flask import Request
from flask import request
from flask_login import current_user
from flask_login import login_required
from flask_login import login_user
from flask_login import LoginManager
from flask_login import logout_user
from flask_login import UserMixin
from werkzeug.security import check_password_hash
from werkzeug.security import generate_password_hash

from keysvc import KeyService
from keysvc.guard import current_credential
from keysvc.guard import KeyRefused
from keysvc.guard import require_key


class User(UserMixin):  # type: ignore[misc]
    """Somebody who may log in."""

    def __init__(self, name: str, password: str) -> None:
        self.id = name
        self.password_hash = generate_password_hash(password)


USERS = {"ada": User("ada", "analytical"), "grace": User("grace", "nanosecond")}

logins = LoginManager()
site = Blueprint("site", __name__)

# A keypair belongs to a user of this name. Owners of other kinds of keys are not users,
# whatever their names are.
by_keypair = require_key("keypair", scopes=["site:use"])


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Return the application, with *settings* in its config."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="of this example alone")
    app.config.update(settings or {})
    logins.init_app(app)
    KeyService(app, url_prefix="/keys")
    app.register_blueprint(site)
    return app


@logins.user_loader  # type: ignore[untyped-decorator]
def user_of_session(name: str) -> User | None:
    return USERS.get(name)


@logins.request_loader  # type: ignore[untyped-decorator]
def user_of_key(request: Request) -> User | None:
    """
    Log the owner of a keypair in, for this request.

    Whatever is wrong with a key, nobody is logged in: this also runs for pages that are
    open to all, and for error pages, wherever a template asks for the current user.
    """
    try:
        by_keypair()
    except KeyRefused:
        return None
    return USERS.get(current_credential.owner.id)


@site.post("/login")
def login() -> str:
    user = USERS.get(request.form["name"])
    if user is None or not check_password_hash(
        user.password_hash, request.form["password"]
    ):
        abort(401)
    login_user(user)
    return f"Welcome, {user.id}."


@site.post("/logout")
def logout() -> str:
    logout_user()
    return "Farewell."


@site.get("/")
def front() -> str:
    return "Everybody may read this."


@site.get("/me")
@login_required  # type: ignore[untyped-decorator]
def me() -> dict[str, str]:
    """Say who is logged in, however that came."""
    return {"name": current_user.id}
