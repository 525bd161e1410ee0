"""Schemathesis: the service keeps what ``/openapi.json`` says, on either engine."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from schemathesis.engine import events
from schemathesis.engine import from_schema
from schemathesis.engine.run import PhaseName
from schemathesis.schemas import BaseSchema
from schemathesis.transport.wsgi import WSGITransport

from keysvc.model import Issued
from tests.fuzz.contract import AsQuery
from tests.fuzz.contract import contract_of

Issue = Callable[..., Issued]

_ORGANIZATION_KEYS = "/organizations/{organization_id}/access-keys"
_KEYS = "/api/v1/service_accounts/{service_account_id}/api_keys"

#: Two templates of the contract meet in /v2/admin/keypairs/u1/create: ``create`` could
#: be an access key. So Allow names the methods of both, which is true of the URL and
#: not of the template.
EXCUSED = {
    ("POST /v2/admin/keypairs/{user}/create", "allow_header_conformance"),
    # A page past the end is 400, which no schema can say.
    ("GET /api/v1/service_accounts", "positive_data_acceptance"),
    (f"GET {_KEYS}", "positive_data_acceptance"),
    # A page token is of one organization and one direction, which no schema can say.
    (f"GET {_ORGANIZATION_KEYS}", "positive_data_acceptance"),
    # Made-up names and passwords are nobody's, and soon too many: 401, then 429.
    ("POST /api/v1/login", "positive_data_acceptance"),
    # A description of 65,536 characters makes a body of more than 64 KiB: that is 413.
    ("POST /api/v1/service_accounts", "negative_data_rejection"),
    ("PUT /api/v1/service_accounts/{name_or_id}", "negative_data_rejection"),
    (f"POST {_KEYS}", "negative_data_rejection"),
    (f"PUT {_KEYS}/{{name_or_id}}", "negative_data_rejection"),
}

#: Phases in which operations are asked; the others only look around.
ASKING = {PhaseName.EXAMPLES, PhaseName.COVERAGE, PhaseName.FUZZING}

#: What every answer is held to, wherever it applies: all that are on by default.
CHECKS = {
    "allow_header_conformance",
    "content_type_conformance",
    "ensure_resource_availability",
    "ignored_auth",
    "missing_required_header",
    "negative_data_rejection",
    "not_a_server_error",
    "object_level_authorization",
    "positive_data_acceptance",
    "response_headers_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "unsupported_method",
    "use_after_free",
}

OPERATIONS = {
    "QUERY /v2/admin/keypairs/{user}",
    "POST /v2/admin/keypairs/{user}/create",
    "GET /v2/admin/keypairs/{user}/{access_key}",
    "PATCH /v2/admin/keypairs/{user}/{access_key}",
    "DELETE /v2/admin/keypairs/{user}/{access_key}",
    "GET /api/v1/service_accounts",
    "POST /api/v1/service_accounts",
    "GET /api/v1/service_accounts/{name_or_id}",
    "PUT /api/v1/service_accounts/{name_or_id}",
    "DELETE /api/v1/service_accounts/{name_or_id}",
    "GET /api/v1/service_accounts/{service_account_id}/api_keys",
    "POST /api/v1/service_accounts/{service_account_id}/api_keys",
    "GET /api/v1/service_accounts/{service_account_id}/api_keys/{name_or_id}",
    "PUT /api/v1/service_accounts/{service_account_id}/api_keys/{name_or_id}",
    "DELETE /api/v1/service_accounts/{service_account_id}/api_keys/{name_or_id}",
    "PUT /api/v1/service_accounts/{service_account_id}/api_keys/{name_or_id}/rotate",
    f"GET {_ORGANIZATION_KEYS}",
    f"POST {_ORGANIZATION_KEYS}",
    f"GET {_ORGANIZATION_KEYS}/{{access_key_id}}",
    f"PATCH {_ORGANIZATION_KEYS}/{{access_key_id}}",
    f"DELETE {_ORGANIZATION_KEYS}/{{access_key_id}}",
    "POST /api/v1/login",
    "GET /api/v1/current-user",
    "GET /api/v1/projects",
    "GET /api/v1/projects/{id}",
    "GET /api/v1/stacks",
    "GET /api/v1/stacks/{id}",
    "GET /api/v1/info",
    "GET /api/v1/version",
    "GET /health",
    "GET /v1/audit",
    "GET /healthz",
    "GET /readyz",
    "GET /",
}


@pytest.fixture(autouse=True)
def _without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drop what only a network has: without a session, WSGITransport stumbles on it."""
    real = WSGITransport.send

    def send(self: WSGITransport, case: Any, **kwargs: Any) -> Any:
        for name in ("max_redirects", "verify", "cert"):
            kwargs.pop(name, None)
        return real(self, case, **kwargs)

    monkeypatch.setattr(WSGITransport, "send", send)


class Outcome:
    """What a run of schemathesis has found."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.asked: dict[PhaseName, set[str]] = {}
        self.checks: set[str] = set()

    def take(self, event: events.EngineEvent) -> None:
        """Learn from *event*."""
        if isinstance(event, events.NonFatalError):
            self.failures.append(f"{event.label}: {event.value!r}")
        if isinstance(event, events.FatalError):
            self.failures.append(repr(event.exception))
        if isinstance(event, events.ScenarioFinished):
            self.asked.setdefault(event.phase, set()).add(event.label or "")
            for case, checks in event.recorder.checks.items():
                # The event itself names no operation where it follows links.
                label = event.recorder.cases[case].value.operation.label
                for check in checks:
                    self.checks.add(check.name)
                    if check.failure_info and (label, check.name) not in EXCUSED:
                        failure = check.failure_info
                        self.failures.append(
                            f"{event.phase} {label} {check.name}:"
                            f" {failure.failure}\n{failure.code_sample}"
                        )


def run(schema: BaseSchema, examples: int, *phases: PhaseName) -> Outcome:
    """Let schemathesis ask *schema*, always the same, in *phases*."""
    schema.config.generation.update(
        max_examples=examples, deterministic=True, database="none"
    )
    schema.config.continue_on_failure = True
    for phase in (*ASKING, PhaseName.STATEFUL_TESTING):
        schema.config.phases.get_by_name(name=phase.value).enabled = phase in phases
    outcome = Outcome()
    for event in from_schema(schema).execute():
        outcome.take(event)
    return outcome


def test_nothing_breaks_the_contract_for_an_administrator(
    app: Flask, as_query: AsQuery, issue: Issue
) -> None:
    schema = contract_of(app, as_query, issue("admin", scopes=("*",)))

    found = run(schema, 20, *ASKING)

    assert found.failures == []
    assert found.checks >= CHECKS
    assert found.asked[PhaseName.FUZZING] == OPERATIONS
    assert found.asked[PhaseName.COVERAGE] == OPERATIONS
    as_query.require("contract, admin")


def test_nothing_breaks_the_contract_for_a_stranger(
    app: Flask, as_query: AsQuery
) -> None:
    schema = contract_of(app, as_query, None)
    # Made-up credentials are partly malformed, which is 400 although the rest is
    # valid; the tests of each scheme send those.
    schema.config.generation.with_security_parameters = False

    found = run(schema, 20, *ASKING)

    assert found.failures == []
    assert found.checks >= CHECKS
    assert found.asked[PhaseName.COVERAGE] == OPERATIONS
    as_query.require("contract, stranger")


def test_what_was_created_can_be_followed(
    app: Flask, as_query: AsQuery, issue: Issue
) -> None:
    schema = contract_of(app, as_query, issue("admin", scopes=("*",)))

    found = run(schema, 40, PhaseName.STATEFUL_TESTING)

    assert found.failures == []
    assert found.checks >= CHECKS
    as_query.require("links")
