"""``X-Method-Override: REPORT``, for clients that cannot send REPORT."""

from collections.abc import Iterable
from typing import Any

import pytest

from keysvc.api.override import MethodOverride
from tests.api.answers import allowed
from tests.api.answers import problem
from tests.api.answers import told
from tests.conftest import Client
from tests.conftest import Tenant

USER = "/v2/admin/keypairs/u1"
REPORT = {"X-Method-Override": "REPORT"}


def test_a_post_is_read_as_report(admin: Client) -> None:
    for _ in range(3):
        admin.post(f"{USER}/create")
    for body in ({}, {"paging": {"size": 2, "index": 1}}):
        overridden = admin.post(USER, json=body, headers=REPORT)
        assert overridden.status_code == 200
        assert told(overridden) == told(admin.report(USER, json=body))
    assert admin.post(USER, headers=REPORT).status_code == 200


def test_authorization_sees_the_method_that_was_meant(
    tenant: Tenant, stranger: Client
) -> None:
    reader, writer = tenant("u1", "keypairs:read"), tenant("u1", "keypairs:write")
    assert reader.post(USER, headers=REPORT).status_code == 200
    assert problem(writer.post(USER, headers=REPORT)) == (403, "generic-forbidden")
    assert problem(stranger.post(USER, headers=REPORT)) == (401, "auth-failed")


@pytest.mark.parametrize("headers", [{}, {"X-Method-Override": ""}])
def test_a_plain_post_stays_a_post(admin: Client, headers: dict[str, str]) -> None:
    given = admin.post(USER, headers=headers)
    assert problem(given) == (405, "method-not-allowed")
    assert allowed(given) == {"REPORT", "OPTIONS"}
    assert admin.post(f"{USER}/create", headers=headers).status_code == 200


VALUES = [
    *("report", "Report", "REPORT ", "REPORT,REPORT", "REPORTS", "REPOR", '"REPORT"'),
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "NIX", "*", "é", "0"),
]


def test_any_other_value_is_refused(admin: Client) -> None:
    path = f"{USER}/{told(admin.post(f'{USER}/create'))['accessKey']}"
    keypair = {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"}
    for value in VALUES:
        for url, methods in (
            (USER, {"REPORT", "OPTIONS"}),
            (f"{USER}/create", keypair | {"POST"}),
            (path, keypair),
            (f"{path}?keys=isActive", keypair),
        ):
            given = admin.post(url, headers={"X-Method-Override": value})
            assert problem(given) == (405, "method-not-allowed"), (value, url)
            assert allowed(given) == methods, (value, url)
    assert told(admin.report(USER))["paging"]["count"] == 1


def test_what_is_overridden_to_report_must_be_reported(admin: Client) -> None:
    given = admin.post(f"{USER}/create", headers=REPORT)
    assert problem(given) == (405, "method-not-allowed")
    assert "POST" in allowed(given)
    assert told(admin.report(USER))["paging"]["count"] == 0


@pytest.mark.parametrize("value", ["REPORT", "DELETE", "nix"])
def test_other_methods_ignore_the_header(admin: Client, value: str) -> None:
    headers = {"X-Method-Override": value}
    path = f"{USER}/{told(admin.post(f'{USER}/create'))['accessKey']}"
    patch = {"props": {"isActive": False}}
    assert admin.report(USER, headers=headers).status_code == 200
    assert admin.get(f"{path}?keys=isActive", headers=headers).status_code == 200
    assert admin.patch(path, json=patch, headers=headers).status_code == 204
    assert admin.delete(path, headers=headers).status_code == 204
    assert problem(admin.get(USER, headers=headers)) == (405, "method-not-allowed")
    assert problem(admin.put(USER, headers=headers)) == (405, "method-not-allowed")


@pytest.mark.parametrize("value", ["REPORT", "GET", "nix"])
def test_other_families_know_no_override(admin: Client, value: str) -> None:
    given = admin.post("/v1/audit", headers={"X-Method-Override": value})
    assert problem(given) == (405, "about:blank")
    assert allowed(given) == {"GET", "HEAD", "OPTIONS"}


def test_an_unknown_path_stays_unknown(admin: Client) -> None:
    for value in ("REPORT", "GET"):
        given = admin.post(f"{USER}/a/b", headers={"X-Method-Override": value})
        assert problem(given) == (404, "url-not-found")


def seen(path: str, method: str, value: str | None) -> dict[str, Any]:
    """Return the environ that an application behind the middleware sees."""
    caught: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        caught.update(environ)
        return [b"answer"]

    environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
    if value is not None:
        environ["HTTP_X_METHOD_OVERRIDE"] = value
    body = MethodOverride(app, "/keys/v2/admin/keypairs")(environ, None)
    assert list(body) == [b"answer"]
    return caught


def test_the_method_on_the_wire_is_kept_for_signatures() -> None:
    environ = seen("/keys/v2/admin/keypairs/u1", "POST", "REPORT")
    assert environ["REQUEST_METHOD"] == "REPORT"
    assert environ["keysvc.wire_method"] == "POST"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/login",
        "/v2/admin/keypairs/u1",
        "/keys/v2/admin/keypairs",
        "/keys/v2/admin/keypairs-of-mine/u1",
        "/keys/v2/admin",
        "/keys/v1/audit",
        "/x/keys/v2/admin/keypairs/u1",
    ],
)
@pytest.mark.parametrize("value", ["REPORT", "DELETE"])
def test_nothing_outside_of_the_prefix_is_touched(path: str, value: str) -> None:
    environ = seen(path, "POST", value)
    assert environ["REQUEST_METHOD"] == "POST"
    assert "keysvc.wire_method" not in environ


@pytest.mark.parametrize(
    ("method", "value"),
    [("POST", None), ("POST", ""), ("GET", "REPORT"), ("post", "REPORT")],
)
def test_nothing_is_touched_without_a_value_or_a_post(
    method: str, value: str | None
) -> None:
    environ = seen("/keys/v2/admin/keypairs/u1", method, value)
    assert environ["REQUEST_METHOD"] == method
    assert "keysvc.wire_method" not in environ
