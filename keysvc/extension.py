"""keysvc inside another Flask application."""

import os
from typing import Any

from flask import Flask

from keysvc.api import access_keys
from keysvc.api import api_keys
from keysvc.api import audit
from keysvc.api import handshake
from keysvc.api import health
from keysvc.api import keypairs
from keysvc.api import service_accounts
from keysvc.api import sessions
from keysvc.api import verification
from keysvc.api.openapi import GuestApi
from keysvc.api.override import MethodOverride
from keysvc.commands import commands
from keysvc.config import Settings
from keysvc.core.service import Service
from keysvc.current import EXTENSION
from keysvc.current import GATE
from keysvc.gate import Gate
from keysvc.gate.gate import GateFirst

FAMILIES = (
    keypairs.blp,
    service_accounts.blp,
    api_keys.blp,
    access_keys.blp,
    sessions.blp,
    handshake.blp,
    handshake.open_blp,
    verification.blp,
    verification.gate_blp,
    audit.blp,
    health.blp,
)


class KeyService:
    """
    The extension: ``KeyService(app)``, or ``KeyService().init_app(app)``.

    Args:
        url_prefix: Below which path the routes are mounted.
    """

    def __init__(self, app: Flask | None = None, *, url_prefix: str = "") -> None:
        self._url_prefix = url_prefix
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """
        Read the settings of *app*, bind the database, mount the routes.

        Raises:
            Misconfigured: If a setting is wrong, or the process has another database.
            RuntimeError: If *app* has a keysvc already.
        """
        if EXTENSION in app.extensions:
            raise RuntimeError("keysvc is already registered on this application.")
        settings = Settings.from_mapping({**os.environ, **app.config})
        app.extensions[EXTENSION] = service = Service(settings)
        app.extensions[GATE] = Gate(service)
        app.cli.add_command(commands)
        self._mount(app)

    def _mount(self, app: Flask) -> None:
        api = GuestApi(app, self._url_prefix)
        for family in FAMILIES:
            api.register_blueprint(
                family, url_prefix=self._url_prefix + family.url_prefix
            )
        overridable = self._url_prefix + str(keypairs.blp.url_prefix)
        wsgi: Any = MethodOverride(app.wsgi_app, overridable)
        wsgi = GateFirst(app.extensions[GATE], wsgi, self._url_prefix)
        app.wsgi_app = wsgi  # type: ignore[method-assign]
