"""
What Backend.AI's client makes of requests: one a line, as JSON, and then its answer.

It is run by the python of that client's own environment (see ``backendai.py``). The
first line says whom to be; the session that it opens lasts until the input ends.
"""

import asyncio
import json
import sys
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from ai.backend.client.config import APIConfig
from ai.backend.client.exceptions import APIVersionWarning
from ai.backend.client.exceptions import BackendAPIError
from ai.backend.client.request import Request
from ai.backend.client.session import AsyncSession
from ai.backend.client.session import Session


def main() -> None:
    """Open the session of the first line, and hold it."""
    warnings.simplefilter("error", APIVersionWarning)
    first = json.loads(sys.stdin.readline())
    hold = {"Session": _hold, "AsyncSession": _hold_async}[first.pop("kind")]
    hold(APIConfig(connection_timeout=10, read_timeout=30, **first))


def _hold(config: Any) -> None:
    with Session(config=config) as session:
        _greet(session)
        while line := sys.stdin.readline():
            # As the client's own functions do it in a session of this kind.
            _say(session.worker_thread.execute(_answer(json.loads(line))))


def _hold_async(config: Any) -> None:
    async def hold() -> None:
        async with AsyncSession(config=config) as session:
            _greet(session)
            while line := await asyncio.to_thread(sys.stdin.readline):
                _say(await _answer(json.loads(line)))

    asyncio.run(hold())


def _greet(session: Any) -> None:
    _say(
        {
            "client": version("backend.ai-client"),
            "negotiated": list(session.api_version),
            "knowsKeysvc": find_spec("keysvc") is not None,
        }
    )


async def _answer(wish: dict[str, Any]) -> dict[str, Any]:
    request = Request(wish["method"], wish["path"], params=wish["params"])
    request.headers.update(wish["headers"])
    if wish["body"] is not None:
        request.set_json(wish["body"])
    return await (_send(request) if wish["send"] else _sign(request))


async def _send(request: Any) -> dict[str, Any]:
    """Send it; an answer without JSON or of another media type is an exception."""
    try:
        async with request.fetch() as response:
            body = await response.json() if response.status != 204 else None
            wire = response.raw_response.request_info
            return {
                "status": response.status,
                "json": body,
                "target": wire.url.raw_path_qs,
                "headers": dict(wire.headers),
            }
    except BackendAPIError as error:
        return {"status": error.status, "json": error.data}


async def _sign(request: Any) -> dict[str, Any]:
    """Go as far as the signature, and drop what would send it."""
    request.fetch().rqst_ctx_builder().close()
    target = request._build_url().raw_path_qs
    return {"target": target, "headers": dict(request.headers)}


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
