"""
What ``messagebird.Client`` makes of calls: one a line, as JSON, and what came of it.

It is run by the python of that client's own environment. The first line says where
the service is, and whose token is carried.
"""

import json
import sys
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import messagebird
from messagebird.http_client import HttpClient


def main() -> None:
    """Make a client of the first line, and let it call."""
    first = json.loads(sys.stdin.readline())
    client = messagebird.Client(
        first["token"], http_client=HttpClient(first["url"], first["token"], "test")
    )
    _say({"client": version("messagebird"), "knowsKeysvc": bool(find_spec("keysvc"))})
    while line := sys.stdin.readline():
        _say(_call(client, *json.loads(line)))


def _call(client: Any, path: str, method: str, params: Any) -> dict[str, Any]:
    try:
        return {"returned": client.request(path, method, params)}
    except Exception as error:
        return {"raised": type(error).__name__, "says": str(error)}


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
