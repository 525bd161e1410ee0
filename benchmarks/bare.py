"""What every route is held against: Flask's own JSON, and nothing else."""

from typing import Any

from flask import Flask

app = Flask("bare", static_folder=None)


@app.get("/")
def values() -> dict[str, Any]:
    return {"values": [True, 1, ["keypairs:read"]]}
