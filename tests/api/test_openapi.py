"""``/openapi.json``: valid, whole, and true."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from apispec import APISpec
from flask import Flask
from openapi_spec_validator import OpenAPIV32SpecValidator
from openapi_spec_validator import validate

from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.methods import AnyMethodSpec
from keysvc.api.shapes import LOGIN
from tests.conftest import Client

#: What nobody has to read in the contract, since it is how the contract is shown.
UNDOCUMENTED = {
    "/openapi.json",
    "/docs",
    "/docs/start.js",
    "/docs/assets/<path:name>",
}

ACCOUNTS = "/api/v1/service_accounts"
KEYS = f"{ACCOUNTS}/{{service_account_id}}/api_keys"
ORGANIZATION = "/organizations/{organization_id}/access-keys"
CONSTANTS = ("projects", "stacks", "info", "version")

FIXED = {"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}


@pytest.fixture
def document(stranger: Client) -> Any:
    answer = stranger.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    return answer.json


def operations(document: Any) -> dict[tuple[str, str], Any]:
    """Return each operation by method and path."""
    found = {}
    for path, item in document["paths"].items():
        fixed = {method.upper(): op for method, op in item.items() if method in FIXED}
        for method, operation in {
            **fixed,
            **item.get("additionalOperations", {}),
        }.items():
            found[method, path] = operation
    return found


def everything(node: Any, path: str = "#") -> Iterator[tuple[str, Any]]:
    """Yield every part of the document, with where it is."""
    yield path, node
    parts = node.items() if isinstance(node, dict) else ()
    for name, inner in enumerate(node) if isinstance(node, list) else parts:
        yield from everything(inner, f"{path}/{name}")


def resolve(document: Any, reference: str) -> Any:
    assert reference.startswith("#/"), reference
    for name in reference[2:].split("/"):
        document = document[name.replace("~1", "/").replace("~0", "~")]
    return document


def validator(document: Any, schema: Any) -> jsonschema_rs.Draft202012Validator:
    """Return what holds an instance to *schema*, a part of *document*."""
    components = {"components": document["components"]}
    return jsonschema_rs.Draft202012Validator(
        {**schema, **components}, validate_formats=True
    )


def test_it_is_openapi_3_2_and_valid(document: Any) -> None:
    assert document["openapi"] == "3.2.0"
    validate(document, cls=OpenAPIV32SpecValidator)


def test_the_validator_sees_what_is_wrong(document: Any) -> None:
    del document["info"]["title"]
    with pytest.raises(Exception, match="title"):
        validate(document, cls=OpenAPIV32SpecValidator)


def test_every_reference_leads_somewhere(document: Any) -> None:
    references = [
        (path, node["$ref"])
        for path, node in everything(document)
        if isinstance(node, dict) and "$ref" in node
    ]
    for path, reference in references:
        assert isinstance(resolve(document, reference), dict), path
    assert any("/additionalOperations/REPORT/" in path for path, _ in references)
    assert len(references) > 50


def test_every_link_leads_to_an_operation(document: Any) -> None:
    ids = [
        o["operationId"] for o in operations(document).values() if "operationId" in o
    ]
    links = [
        link
        for path, node in everything(document)
        if path.endswith("/links") and isinstance(node, dict)
        for link in node.values()
    ]
    assert {link["operationId"] for link in links} <= set(ids)
    assert len(ids) == len(set(ids)) == 33
    assert len(links) == 3 + 5 + 4 + 3


def test_report_stands_where_openapi_wants_it(document: Any) -> None:
    item = document["paths"]["/v2/admin/keypairs/{user}"]
    assert set(item) == {"parameters", "additionalOperations"}
    assert set(item["additionalOperations"]) == {"REPORT"}
    report = item["additionalOperations"]["REPORT"]
    content = report["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/KeypairQuery"}
    assert "trace" not in str(document["paths"].values())


def test_every_route_is_in_it_and_no_other(app: Flask, document: Any) -> None:
    routes = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in UNDOCUMENTED
    }
    assert set(operations(document)) == routes
    assert len(routes) == 42
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    assert rules >= UNDOCUMENTED


def test_every_operation_says_who_may_enter(app: Flask, document: Any) -> None:
    schemes = set(document["components"]["securitySchemes"])
    assert "security" not in document
    found = operations(document)
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<", "{").replace(">", "}")
        for method in rule.methods or ():
            if (method, path) not in found:
                continue
            security = found[method, path]["security"]
            blueprint = app.blueprints[rule.endpoint.rpartition(".")[0]]
            assert isinstance(blueprint, FamilyBlueprint)
            assert (security == []) is blueprint.is_public(), (method, path)
            assert security == [] or {n for s in security for n in s} == schemes


def test_public_is_what_a_stranger_is_let_into(stranger: Client, document: Any) -> None:
    for (method, path), operation in operations(document).items():
        path = re.sub(r"\{\w+\}", "x", path)
        far = {"REMOTE_ADDR": "192.0.2.7"}
        status = stranger.open(path, method=method, environ_overrides=far).status_code
        assert (status == 401) is bool(operation["security"]), (method, path)


def test_every_error_is_in_the_familys_shape(app: Flask, document: Any) -> None:
    mounted = [b for b in app.blueprints.values() if isinstance(b, FamilyBlueprint)]
    families = {family.name: family.shape for family in mounted}
    schemas = {
        "ProblemSchema": "Problem",
        "DetailSchema": "Detail",
        "CodeSchema": "Code",
    }
    for (method, path), operation in operations(document).items():
        shape = families[operation["tags"][0]]
        problems = {
            status: response
            for status, response in operation["responses"].items()
            if int(status) >= 400 and (path, status) != ("/readyz", "503")
        }
        public = operation["security"] == [] and shape is not LOGIN
        expected = {
            s for s in shape.documented if not (public and s in (401, 403, 404))
        }
        assert {int(s) for s in problems} == expected - (
            {503} if path == "/readyz" else set()
        ), (method, path)
        for status, response in problems.items():
            assert list(response["content"]) == [shape.media_type], (path, status)
            schema = response["content"][shape.media_type]["schema"]
            name = schemas[shape.schema.__name__]
            assert schema == {"$ref": f"#/components/schemas/{name}"}
            headers = set(response.get("headers", {}))
            assert ("WWW-Authenticate" in headers) is (status == "401")
            assert ("Retry-After" in headers) is (status in ("429", "503"))


def test_every_error_that_comes_is_documented(
    admin: Client, stranger: Client, document: Any
) -> None:
    big = b" " * 70_000
    asked: list[tuple[Client, str, str, dict[str, Any]]] = [
        (stranger, "REPORT", "/v2/admin/keypairs/u1", {}),
        (admin, "REPORT", "/v2/admin/keypairs/u1", {"json": {"x": 1}}),
        (admin, "REPORT", "/v2/admin/keypairs/u1", {"data": "x"}),
        (admin, "POST", "/v2/admin/keypairs/u1/create", {"data": big}),
        (admin, "GET", "/v2/admin/keypairs/u1/KPA?keys=isActive", {}),
        (admin, "GET", "/v1/audit?limit=0", {}),
        (stranger, "GET", "/v1/audit", {}),
        (stranger, "GET", "/healthz", {"data": big}),
        (stranger, "GET", "/", {"data": "x"}),
    ]
    templates = {
        "/v2/admin/keypairs/u1": "/v2/admin/keypairs/{user}",
        "/v2/admin/keypairs/u1/create": "/v2/admin/keypairs/{user}/create",
        "/v2/admin/keypairs/u1/KPA": "/v2/admin/keypairs/{user}/{access_key}",
        "/organizations/o/access-keys": ORGANIZATION,
        "/organizations/o/access-keys/x": ORGANIZATION + "/{access_key_id}",
    }
    seen = set()
    asked += [
        (stranger, "GET", ACCOUNTS, {}),
        (admin, "GET", f"{ACCOUNTS}?page=2", {}),
        (admin, "GET", f"{ACCOUNTS}?colour=red", {}),
        (admin, "POST", ACCOUNTS, {"data": big}),
        (admin, "POST", ACCOUNTS, {"data": "x"}),
        (admin, "POST", ACCOUNTS, {"json": {"name": "ci", "active": True}}),
        (admin, "POST", ACCOUNTS, {"json": {"name": "ci", "active": True}}),
        (admin, "GET", "/api/v1/current-user", {}),
        (stranger, "GET", "/organizations/o/access-keys", {}),
        (admin, "GET", "/organizations/o/access-keys?pageToken=x", {}),
        (admin, "POST", "/organizations/o/access-keys", {"data": big}),
        (admin, "POST", "/organizations/o/access-keys", {"data": "x"}),
        (admin, "PATCH", "/organizations/o/access-keys/x", {"json": {}}),
        (admin, "DELETE", "/organizations/o/access-keys/x", {}),
        (stranger, "POST", "/api/v1/login", {"json": {}}),
        (stranger, "POST", "/api/v1/login", {"data": {"password": "x"}}),
    ]
    for client, method, url, sent in asked:
        answer = client.open(url, method=method, **sent)
        path = url.partition("?")[0]
        operation = operations(document)[method, templates.get(path, path)]
        response = operation["responses"][str(answer.status_code)]
        schema = response["content"][answer.mimetype]["schema"]
        validator(document, schema).validate(answer.json)
        for name in response.get("headers", ()):
            assert name in answer.headers
        seen.add(answer.status_code)
    assert seen == {200, 400, 401, 403, 404, 409, 413, 415, 422}


def test_every_example_is_as_its_schema_says(document: Any) -> None:
    count = 0
    for path, node in everything(document["paths"]):
        if isinstance(node, dict) and "schema" in node and "example" in node:
            validator(document, node["schema"]).validate(node["example"])
            count += 1
            # Where unknown members are ignored, one of a wrong type is refused.
            with pytest.raises(jsonschema_rs.ValidationError):
                wrong = {"unheard": "of", "name": 1, "retain_period_minutes": "x"}
                validator(document, node["schema"]).validate(wrong)
        assert not (isinstance(node, dict) and "examples" in node), path
    assert count == 30


def test_what_the_routes_answer_is_as_their_schemas_say(
    admin: Client, document: Any
) -> None:
    asked = [
        ("POST", "/v2/admin/keypairs/{user}/create", "/v2/admin/keypairs/u1/create"),
        ("REPORT", "/v2/admin/keypairs/{user}", "/v2/admin/keypairs/u1"),
        ("GET", "/v1/audit", "/v1/audit"),
        ("GET", "/v1/credentials", "/v1/credentials?kind=keypair"),
        ("POST", ACCOUNTS, ACCOUNTS),
        ("GET", ACCOUNTS, f"{ACCOUNTS}?hydrate=true"),
        ("GET", f"{ACCOUNTS}/{{name_or_id}}", f"{ACCOUNTS}/ci"),
        ("PUT", f"{ACCOUNTS}/{{name_or_id}}", f"{ACCOUNTS}/ci"),
        ("DELETE", f"{ACCOUNTS}/{{name_or_id}}", f"{ACCOUNTS}/ci"),
        ("POST", ORGANIZATION, "/organizations/o/access-keys"),
        ("GET", ORGANIZATION, "/organizations/o/access-keys"),
        *[("GET", f"/api/v1/{name}", f"/api/v1/{name}") for name in CONSTANTS],
        *[("GET", path, path) for path in ("/", "/healthz", "/readyz")],
    ]
    for method, template, path in asked:
        body = {"name": "ci", "active": True} if ACCOUNTS in path else None
        json = body if method in ("POST", "PUT") else None
        if "organizations" in path and json is None and method == "POST":
            json = {"name": "k", "description": "d", "roleIds": [str(UUID(int=1))]}
        answer = admin.open(path, method=method, json=json)
        assert answer.status_code in (200, 201)
        responses = operations(document)[method, template]["responses"]
        content = responses[str(answer.status_code)]["content"]
        schema = content[answer.mimetype]["schema"]
        validator(document, schema).validate(answer.json)


def test_bodies_that_may_be_left_out_are_optional(admin: Client, document: Any) -> None:
    required = {
        key: operation["requestBody"]["required"]
        for key, operation in operations(document).items()
        if "requestBody" in operation
    }
    assert required == {
        ("REPORT", "/v2/admin/keypairs/{user}"): False,
        ("POST", "/v2/admin/keypairs/{user}/create"): False,
        ("PATCH", "/v2/admin/keypairs/{user}/{access_key}"): True,
        ("POST", ACCOUNTS): True,
        ("PUT", f"{ACCOUNTS}/{{name_or_id}}"): False,
        ("POST", f"{ACCOUNTS}/{{service_account_id}}/api_keys"): True,
        ("POST", ORGANIZATION): True,
        ("PATCH", f"{ORGANIZATION}/{{access_key_id}}"): False,
        ("PUT", f"{KEYS}/{{name_or_id}}"): False,
        ("PUT", f"{KEYS}/{{name_or_id}}/rotate"): False,
        ("POST", "/api/v1/login"): True,
        ("POST", "/v1/verify"): True,
        ("POST", "/v1/verify/batch"): True,
        ("POST", "/v1/credentials/{credential_id}/rotate"): False,
        ("POST", "/v1/credentials/deactivate"): True,
        ("POST", "/v1/leaks"): True,
    }
    assert admin.report("/v2/admin/keypairs/u1").status_code == 200
    made = admin.post("/v2/admin/keypairs/u1/create")
    assert made.status_code == 200
    assert made.json is not None
    path = f"/v2/admin/keypairs/u1/{made.json['accessKey']}"
    assert admin.patch(path).status_code == 400


GIVEN_TWICE = [
    {"ML": {"clusterSize": 1}, "ML.clusterSize": 1},
    {"cost": {"automatic": True}, "cost.automatic": True},
    {"concurrecy": 1, "concurrency": 1},
]
GIVEN_ONCE = [
    {"ML": {"clusterSize": 1}, "ML.instanceMemory": 1},
    {"ML": {"clusterSize": None}, "ML.clusterSize": 1},
    {"ML": None, "ML.clusterSize": 1},
    {"ML": {"clusterSize": 1}, "ML.clusterSize": None},
    {"concurrecy": None, "concurrency": 1},
    {"description": "\U0001f600\n", "expiresAt": None},
]


def test_the_schema_and_the_service_agree_on_what_is_given_twice(
    admin: Client, document: Any
) -> None:
    schema = validator(document, {"$ref": "#/components/schemas/KeypairDraft"})
    bodies: list[tuple[dict[str, Any], bool]] = [
        *[({"props": props}, False) for props in GIVEN_TWICE],
        *[({"props": props}, True) for props in GIVEN_ONCE],
        ({"isActive": True, "props": {"isActive": True}}, False),
        ({"isActive": True, "props": {"isActive": None}}, True),
        ({"isActive": None, "props": {"isActive": True}}, True),
        ({"isActive": True, "props": None}, True),
    ]
    for body, good in bodies:
        answer = admin.post("/v2/admin/keypairs/u1/create", json=body)
        assert answer.status_code == (200 if good else 400), body
        assert schema.is_valid(body) is good, body


def test_the_path_is_described_as_it_is_read(admin: Client, document: Any) -> None:
    [user] = document["paths"]["/v2/admin/keypairs/{user}"]["parameters"]
    schema = validator(document, user["schema"])
    for text, good in (
        ("u1", True),
        ("\U0001f600", True),
        ("a" * 255, True),
        ("a" * 256, False),
        ("\x01", False),
        ("\u202e", False),
        ("a\n", False),
        ("%", True),
    ):
        quoted = "".join(f"%{byte:02X}" for byte in text.encode())
        status = admin.report(f"/v2/admin/keypairs/{quoted}").status_code
        assert schema.is_valid(text) is good, text
        assert (status == 200) is good, text


def test_apispec_goes_on_writing_to_the_dict_that_it_gives(app: Flask) -> None:
    """``AnyMethodSpec`` moves operations in it, so it must not be a copy."""
    api = app.extensions["flask-smorest"]["apis"]["KEYSVC_"]["ext_obj"]
    api.document()
    spec: APISpec = api.spec
    spec.to_dict()["paths"]["/live"] = {"get": {}}
    assert spec.to_dict()["paths"]["/live"] == {"get": {}}
    assert spec.to_dict()["paths"] is spec.to_dict()["paths"]
    del spec.to_dict()["paths"]["/live"]
    assert "/live" not in spec.to_dict()["paths"]

    report: dict[str, Any] = {"responses": {}}
    rule = next(r for r in app.url_map.iter_rules() if r.rule == "/healthz")
    AnyMethodSpec(spec).path(rule=rule, operations={"report": report})
    item = spec.to_dict()["paths"]["/healthz"]
    assert set(item["additionalOperations"]) == {"REPORT"}
    assert "trace" not in item
    assert "get" in item


def test_a_login_is_a_form(document: Any) -> None:
    login = operations(document)["POST", "/api/v1/login"]
    content = login["requestBody"]["content"]
    assert list(content) == ["application/x-www-form-urlencoded"]
    schema = validator(document, content["application/x-www-form-urlencoded"]["schema"])
    for form, good in (
        ({"password": "x"}, True),
        ({"grant_type": "zenml-api-key", "password": "x"}, True),
        ({"grant_type": "password", "username": "x", "password": "x"}, True),
        ({"grant_type": "password", "password": "x"}, False),
        ({"grant_type": "password", "username": "", "password": "x"}, False),
        ({"grant_type": "code", "password": "x"}, False),
        ({"username": "x"}, False),
        ({}, False),
    ):
        assert schema.is_valid(form) is good, form


def test_a_bearer_is_let_in_as_the_document_says(document: Any) -> None:
    bearer = document["components"]["securitySchemes"]["bearer"]
    assert (bearer["type"], bearer["scheme"]) == ("http", "bearer")


def test_filters_and_order_are_described(document: Any) -> None:
    parameters = {p["name"]: p for p in operations(document)["GET", KEYS]["parameters"]}
    assert "contains" in parameters["name"]["description"]
    assert parameters["sort_by"]["schema"]["default"] == "created"
    assert "desc:last_login" in parameters["sort_by"]["schema"]["enum"]
