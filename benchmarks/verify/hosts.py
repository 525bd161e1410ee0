"""A host with one view twice: open, and guarded in process."""

from typing import Any

from flask import Flask

from keysvc import KeyService
from keysvc.guard import require_key

_VALUES: dict[str, Any] = {"values": [True, 1, ["keypairs:read"]]}


def create_app() -> Flask:
    """Return the host, with the settings of the environment."""
    app = Flask("host", static_folder=None)
    KeyService(app, url_prefix="/keys")

    @app.get("/open")
    def unguarded() -> dict[str, Any]:
        return _VALUES

    @app.get("/guarded")
    @require_key()
    def guarded() -> dict[str, Any]:
        return _VALUES

    return app
