"""keysvc inside another Flask application."""

import os
import re
from typing import Any

from flask import Flask

from keysvc.api import access_keys
from keysvc.api import api_keys
from keysvc.api import audit
from keysvc.api import credentials
from keysvc.api import handshake
from keysvc.api import health
from keysvc.api import keypairs
from keysvc.api import leaks
from keysvc.api import metrics
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
from keysvc.current import JUDGE
from keysvc.current import REPORTER
from keysvc.errors import Misconfigured
from keysvc.gate import Gate
from keysvc.gate.gate import GateFirst
from keysvc.guard.local import Local
from keysvc.guard.remote import Remote
from keysvc.metrics.reporter import Reporter
from keysvc.signals import Announcer

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")

FAMILIES = (
    keypairs.blp,
    service_accounts.blp,
    api_keys.blp,
    access_keys.blp,
    sessions.blp,
    handshake.blp,
    handshake.open_blp,
    credentials.blp,
    verification.blp,
    verification.gate_blp,
    audit.blp,
    leaks.blp,
    health.blp,
    metrics.blp,
)


class KeyService:
    """
    The extension: ``KeyService(app)``, or ``KeyService().init_app(app)``.

    Args:
        url_prefix: Below which path the routes are mounted; None mounts none.

    Raises:
        ValueError: If *url_prefix* is no path such as ``/keys``.
    """

    #: What is mounted: for hosts that treat some blueprints otherwise, as for CSRF.
    blueprints = FAMILIES

    def __init__(
        self, app: Flask | None = None, *, url_prefix: str | None = ""
    ) -> None:
        if url_prefix and not _PREFIX.fullmatch(url_prefix):
            raise ValueError("url_prefix is a path such as /keys, or None.")
        self._url_prefix = url_prefix
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """
        Read the settings of *app*, and do what they say.

        With a database, bind it, mount the routes, add the commands; with the URL of
        another keysvc, let guards ask that one.

        Raises:
            Misconfigured: If a setting is wrong, or the process has another database.
            RuntimeError: If *app* has a keysvc already.
        """
        if EXTENSION in app.extensions:
            raise RuntimeError("keysvc is already registered on this application.")
        # What is None there is as good as absent: so os.environ.get() gives it.
        given = {name: value for name, value in app.config.items() if value is not None}
        settings = Settings.from_mapping({**os.environ, **given})
        if settings.url:
            self._ask(app, settings)
        else:
            self._hold(app, settings)

    def _ask(self, app: Flask, settings: Settings) -> None:
        if self._url_prefix is not None:
            raise Misconfigured(
                "KEYSVC_URL names a keysvc elsewhere, so nothing can be mounted here:"
                " KeyService(app, url_prefix=None)."
            )
        remote = Remote(settings, Announcer(app))
        app.extensions[EXTENSION] = app.extensions[JUDGE] = remote

    def _hold(self, app: Flask, settings: Settings) -> None:
        announcer = Announcer(app)
        app.extensions[EXTENSION] = service = Service(settings, listener=announcer)
        app.extensions[REPORTER] = Reporter(service)
        app.extensions[GATE] = Gate(service, self._url_prefix or "")
        app.extensions[JUDGE] = Local(service, announcer)
        app.cli.add_command(commands)
        if self._url_prefix is not None:
            _mount(app, self._url_prefix)


def _mount(app: Flask, prefix: str) -> None:
    api = GuestApi(app, prefix)
    for family in FAMILIES:
        api.register_blueprint(family, url_prefix=prefix + family.url_prefix)
    overridable = prefix + str(keypairs.blp.url_prefix)
    wsgi: Any = MethodOverride(app.wsgi_app, overridable)
    wsgi = GateFirst(app.extensions[GATE], wsgi, prefix)
    app.wsgi_app = wsgi  # type: ignore[method-assign]
