"""
What the examples protect: it says what it was asked, and who the proxy says it was.

It checks nothing by itself, so it must be reached through the proxy alone.
"""

from typing import Any

from flask import Flask
from flask import request

app = Flask(__name__)

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "REPORT"]


@app.route("/", defaults={"path": ""}, methods=METHODS)
@app.route("/<path:path>", methods=METHODS)
def echo(path: str) -> dict[str, Any]:
    """Tell what has arrived."""
    names = [name for name in request.environ if name.startswith("HTTP_X_KEYSVC")]
    return {
        "method": request.method,
        "target": request.full_path.rstrip("?"),
        "body": request.get_data(as_text=True),
        "keysvc": {name: request.environ[name] for name in names},
    }
