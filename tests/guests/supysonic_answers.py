"""
What supysonic answers, with keysvc in it or alone: a visit a line, as JSON.

It is run by the python of supysonic's own environment. The first line says where its
files are, whether keysvc is mounted in it, and which of its views asks for a key.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Flask
from supysonic.config import DefaultConfig
from supysonic.db import close_connection
from supysonic.db import open_connection
from supysonic.managers.user import UserManager
from supysonic.web import create_application


def main() -> None:
    """Make the application of the first line, and let it answer."""
    first = json.loads(sys.stdin.readline())
    home = Path(first["home"])
    app = _supysonic(home)
    greeting = {"release": version("supysonic")}
    if first["keysvc"]:
        greeting["admin"] = _with_keysvc(app, home, first["guarded"])
    _say({**greeting, "knowsKeysvc": "keysvc" in sys.modules})
    while line := sys.stdin.readline():
        _say(_visit(app, json.loads(line)))


def _supysonic(home: Path) -> Flask:
    """Return supysonic as it is published; with a new database comes a user."""
    is_new = not home.exists()
    home.mkdir(exist_ok=True)
    config = DefaultConfig()
    config.BASE = {**config.BASE, "database_uri": f"sqlite:///{home}/music.db"}
    config.WEBAPP = {**config.WEBAPP, "cache_dir": str(home / "cache")}
    app: Flask = create_application(config)
    if is_new:
        open_connection()
        UserManager.add("alice", "Alic3")
        close_connection()
    return app


def _with_keysvc(app: Flask, home: Path, guarded: list[str]) -> Any:
    """Mount keysvc, and return the keypair of its administrator."""
    from keysvc import KeyService
    from keysvc.guard import require_key

    app.config["KEYSVC_HOME"] = str(home / "keysvc")
    KeyService(app, url_prefix="/keys")
    guard = require_key("api_key", scopes=["music:play"])
    for endpoint in guarded:
        app.view_functions[endpoint] = guard(app.view_functions[endpoint])
    made = app.test_cli_runner().invoke(args=["keysvc", "init", "--json"])
    return json.loads(made.stdout)


def _visit(app: Flask, requests: list[dict[str, Any]]) -> list[Any]:
    """Return the status, headers and body of each answer to one visitor."""
    client = app.test_client()
    answers = [client.open(**request, buffered=True) for request in requests]
    return [[a.status_code, list(a.headers), a.data.decode()] for a in answers]


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
