"""Schemathesis: the service keeps what ``/openapi.json`` says, on either engine."""

from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import pytest
from flask import Flask
from schemathesis.engine import events
from schemathesis.engine import from_schema
from schemathesis.engine.recorder import CheckNode
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.engine.run import PhaseName
from schemathesis.schemas import BaseSchema
from schemathesis.transport.wsgi import WSGITransport

from keysvc.model import Issued
from tests.fuzz.contract import AsQuery
from tests.fuzz.contract import contract_of
from tests.fuzz.contract import TIMES

Issue = Callable[..., Issued]

_ACCOUNTS = "/api/v1/service_accounts"
_ORGANIZATION_KEYS = "/organizations/{organization_id}/access-keys"


class Excuse(NamedTuple):
    """What the contract cannot say: one answer to one operation, for one check."""

    operation: str
    check: str
    status: int
    said: str = ""


EXCUSED = {
    # Two templates of the contract meet in /v2/admin/keypairs/u1/create: ``create``
    # could be an access key. So Allow names the methods of both, which is true of the
    # URL and not of the template.
    Excuse("POST /v2/admin/keypairs/{user}/create", "allow_header_conformance", 200),
    # How many pages there are is in no schema.
    *(
        Excuse(f"GET {path}", "positive_data_acceptance", 400, "not so many pages")
        for path in (_ACCOUNTS, f"{_ACCOUNTS}/{{service_account_id}}/api_keys")
    ),
    # That one of the headers holds a signature which can be read is in no schema.
    *(
        Excuse(f"POST /v1/verify{path}", "positive_data_acceptance", 422, "signed")
        for path in ("", "/batch")
    ),
    # Nor that two lists of roles agree.
    *(
        Excuse(of, "positive_data_acceptance", 422, "the same roles as roleIds")
        for of in (
            f"POST {_ORGANIZATION_KEYS}",
            f"PATCH {_ORGANIZATION_KEYS}/{{access_key_id}}",
        )
    ),
    # A page token is of one organization and one direction, which no schema can say.
    Excuse(f"GET {_ORGANIZATION_KEYS}", "positive_data_acceptance", 422, "pageToken"),
    # Nor of which search it is.
    Excuse("GET /v1/credentials", "positive_data_acceptance", 422, "pageToken"),
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
    "GET /v1/credentials",
    "POST /v1/credentials/{credential_id}/rotate",
    "POST /v1/credentials/deactivate",
    "GET /v1/auth",
    "POST /v1/verify",
    "POST /v1/verify/batch",
    "POST /v1/leaks",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
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
            for id_, checks in event.recorder.checks.items():
                for check in checks:
                    self.checks.add(check.name)
                    if check.failure_info and not _excused(event.recorder, id_, check):
                        failure = check.failure_info
                        self.failures.append(
                            f"{event.phase} {event.label} {check.name}:"
                            f" {failure.failure}\n{failure.code_sample}"
                            f"\n{_said(event.recorder, id_)}"
                        )


def _said(recorder: ScenarioRecorder, case_id: str) -> str:
    asked, answer = recorder.cases[case_id].value, recorder.interactions[case_id]
    said = answer.response
    told = "" if said is None else f"{said.status_code} {said.text}"
    return f"{asked.query!r} {asked.body!r}\n{told}"


def _excused(recorder: ScenarioRecorder, case_id: str, check: CheckNode) -> bool:
    """Tell whether one of the excuses is for this answer."""
    operation = recorder.cases[case_id].value.operation.label
    answer = recorder.interactions[case_id].response
    return answer is not None and any(
        (operation, check.name, answer.status_code)
        == (excuse.operation, excuse.check, excuse.status)
        and excuse.said in answer.text
        for excuse in EXCUSED
    )


def run(schema: BaseSchema, examples: int, *phases: PhaseName) -> Outcome:
    """Let schemathesis ask *schema*, always the same, in *phases*."""
    schema.config.generation.update(
        max_examples=examples, deterministic=True, database="none"
    )
    schema.config.continue_on_failure = True
    # A text that is too long may well make a body that is too long.
    rejection = schema.config.checks.negative_data_rejection
    rejection.expected_statuses = [*rejection.expected_statuses, "413"]
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

    found = run(schema, 20 * TIMES, *ASKING)

    assert found.failures == [], "\n\n".join(found.failures)
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

    found = run(schema, 20 * TIMES, *ASKING)

    assert found.failures == [], "\n\n".join(found.failures)
    assert found.checks >= CHECKS
    assert found.asked[PhaseName.COVERAGE] == OPERATIONS
    as_query.require("contract, stranger")


def test_what_was_created_can_be_followed(
    app: Flask, as_query: AsQuery, issue: Issue
) -> None:
    schema = contract_of(app, as_query, issue("admin", scopes=("*",)))

    found = run(schema, 40 * TIMES, PhaseName.STATEFUL_TESTING)

    assert found.failures == [], "\n\n".join(found.failures)
    assert found.checks >= CHECKS
    as_query.require("links")
