"""Read answers, and hold errors to the shape that all of them share."""

import json
from typing import Any

from werkzeug.test import TestResponse

PROBLEMS = "https://api.backend.ai/probs/"


def told(response: TestResponse) -> Any:
    """Return what the body says."""
    return json.loads(response.text)


def problem(response: TestResponse) -> tuple[int, str]:
    """Return the status of a problem and its type, shortened; check the rest."""
    body = told(response)
    assert response.mimetype == "application/problem+json", response.text
    assert body["status"] == response.status_code
    assert body["title"] and body["detail"]
    assert body.keys() <= {"type", "title", "status", "detail", "errors"}
    for messages in body.get("errors", {}).values():
        assert messages and all(isinstance(said, str) for said in messages)
    return response.status_code, body["type"].removeprefix(PROBLEMS)


def allowed(response: TestResponse) -> set[str]:
    """Return the methods that the answer's Allow names."""
    return set(response.headers["Allow"].split(", "))
