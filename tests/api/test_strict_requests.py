"""What cannot be read in one way only is refused before anything else."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import TestResponse

from keysvc.core.service import Service
from tests.api.answers import problem
from tests.api.answers import told
from tests.conftest import Client

USER = "/v2/admin/keypairs/u1"
CREATE = f"{USER}/create"
MAX = 64 * 1024

Send = Callable[[Client, bytes], TestResponse]


def whole(client: Client, body: bytes) -> TestResponse:
    """Send *body* with its length."""
    return client.report(USER, data=body, content_type="application/json")


def chunked(client: Client, body: bytes) -> TestResponse:
    """Send *body* in chunks: its length is told nowhere."""
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    return client.report(
        USER,
        input_stream=BytesIO(body),
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides=environ,
    )


def padded(length: int) -> bytes:
    return b'{"paging":{"size":1}}'.ljust(length)


#: Bodies of create that are no JSON, or that readers differ on.
UNREADABLE = {
    "nothing but space": b" ",
    "a cut object": b"{",
    "two values": b"{}{}",
    "single quotes": b"{'a': 1}",
    "a comma at the end": b'{"isActive": true,}',
    "a comment": b"{} // x",
    "a bare word": b"undefined",
    "a form": b"isActive=true",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "Latin-1": '{"é": 1}'.encode("latin-1"),
    "an overlong slash": b'{"\xc0\xaf": 1}',
    "a surrogate in UTF-8": b'{"\xed\xa0\x80": 1}',
    "a NUL": b"{}\x00",
    "a control character in a string": b'{"a": "\x01"}',
    "NaN": b'{"props": {"concurrency": NaN}}',
    "Infinity": b'{"props": {"concurrency": Infinity}}',
    "-Infinity": b'{"props": {"concurrency": -Infinity}}',
    "NaN where nobody looks": b'{"nix": [NaN]}',
    "the same name twice": b'{"isActive": true, "isActive": true}',
    "the same name twice, once escaped": b'{"isActive": true, "is\\u0041ctive": false}',
    "the same name twice inside": b'{"props": {"remaining": 1, "remaining": 2}}',
    "the same name twice in a list": b'{"nix": [{"a": 1, "a": 1}]}',
    "the same name twice, null": b'{"isActive": null, "isActive": false}',
    "5000 arrays": b"[" * 5000 + b"]" * 5000,
    "5000 open arrays": b"[" * 5000,
    "5000 objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "5000 digits": b'{"props": {"concurrency": ' + b"9" * 5000 + b"}}",
    "5000 digits below zero": b'{"props": {"concurrency": -' + b"9" * 5000 + b"}}",
    "5000 digits where nobody looks": b'{"nix": [' + b"9" * 5000 + b"]}",
    "a surrogate as a name": b'{"\\ud800": 1}',
    "a surrogate as an inner name": b'{"props": {"\\udfff": 1}}',
    "a surrogate as a value": b'{"props": {"description": "\\ud800x"}}',
    "a surrogate as a scope": b'{"props": {"scopes": ["\\uDBFF"]}}',
    "a surrogate where nobody looks": b'{"nix": "\\ud800"}',
    "surrogates in the wrong order": b'{"props": {"description": "\\udc00\\ud800"}}',
}

#: Bodies that are JSON, and no request all the same.
WRONG = {
    "null": b"null",
    "a list": b"[]",
    "a string": b'"isActive"',
    "a number": b"1",
    "true": b"true",
    "500 arrays": b"[" * 500 + b"]" * 500,
    "500 arrays inside": b'{"props": ' + b"[" * 500 + b"]" * 500 + b"}",
    "500 objects inside": b'{"props": ' * 500 + b"1" + b"}" * 500,
    "a number beyond doubles": b'{"props": {"concurrency": 1e400}}',
    "a number of 4000 digits": b'{"props": {"concurrency": ' + b"9" * 4000 + b"}}",
    "5000 digits and a fraction": b'{"props": {"remaining": ' + b"9" * 5000 + b".5}}",
    "a NUL in a text": b'{"props": {"description": "\\u0000"}}',
    "a bell in a text": b'{"props": {"description": "\\u0007"}}',
    "a delete in a text": b'{"props": {"description": "\\u007f"}}',
    "a C1 control in a text": b'{"props": {"description": "\\u0085"}}',
    "an override in a text": b'{"props": {"description": "\\u202e"}}',
    "an isolate in a text": '{"props": {"description": "\u2067"}}'.encode(),
    "a NUL as a name": b'{"\\u0000": 1}',
    "a NUL as an inner name": b'{"props": {"\\u0000": 1}}',
    "a NUL in a scope": b'{"props": {"scopes": ["a\\u0000"]}}',
    "a NUL in an address": b'{"props": {"allowedIps": ["::\\u0000"]}}',
    "a NUL in a date": b'{"props": {"expiresAt": "2030-01-01\\u000000:00:00"}}',
    "an empty name": b'{"": 1}',
    "a name of the schema's own": b'{"_schema": 1}',
}


def test_bodies_that_cannot_be_read_are_refused(
    admin: Client, stranger: Client
) -> None:
    # Whoever asks: nothing was read from the database yet.
    for client in (admin, stranger):
        told_ = {
            name: problem(
                client.post(CREATE, data=body, content_type="application/json")
            )
            for name, body in UNREADABLE.items()
        }
        assert told_ == dict.fromkeys(UNREADABLE, (400, "invalid-api-params"))
    assert told(admin.report(USER))["paging"]["count"] == 0


def test_bodies_that_are_no_request_are_refused(admin: Client) -> None:
    told_ = {
        name: problem(admin.post(CREATE, data=body, content_type="application/json"))
        for name, body in WRONG.items()
    }
    assert told_ == dict.fromkeys(WRONG, (400, "invalid-api-params"))
    assert told(admin.report(USER))["paging"]["count"] == 0


def test_every_endpoint_reads_as_strictly(admin: Client, stranger: Client) -> None:
    answers = {
        (method, path, body): client.open(
            path, method=method, data=body, content_type="application/json"
        ).status_code
        for client in (admin, stranger)
        for body in (b"{", b'{"a":1,"a":1}', b"[NaN]", b"[" * 5000)
        for method, path in (
            ("REPORT", USER),
            ("POST", CREATE),
            ("GET", f"{USER}/KPX"),
            ("PATCH", f"{USER}/KPX"),
            ("DELETE", f"{USER}/KPX"),
            ("GET", "/v1/audit"),
        )
    }
    assert answers == dict.fromkeys(answers, 400)


def test_nothing_is_asked_of_the_database_before_the_request_is_read(
    admin: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(service.installation, "ensure_ready", lambda: asked.append("?"))

    answers = [
        admin.report(USER, data=b"{", content_type="application/json"),
        admin.report(USER, data=b"a=1", content_type="text/plain"),
        admin.report(USER, data=b" " * (MAX + 1), content_type="application/json"),
        admin.post("/v2/admin/keypairs/a%2Fcreate"),
    ]

    assert [given.status_code for given in answers] == [400, 415, 413, 400]
    assert asked == []
    assert admin.report(USER).status_code == 200
    assert asked == ["?"]


@pytest.mark.parametrize("send", [whole, chunked])
def test_a_body_may_have_64_kib_and_not_a_byte_more(admin: Client, send: Send) -> None:
    assert send(admin, padded(MAX)).status_code == 200
    for length in (MAX + 1, MAX + 2, 2 * MAX, 1_000_000):
        assert problem(send(admin, padded(length))) == (413, "payload-too-large")


@pytest.mark.parametrize("send", [whole, chunked])
def test_a_long_body_is_never_read_in_part(admin: Client, send: Send) -> None:
    body = padded(MAX) + b'{"paging": 1}'
    assert problem(send(admin, body)) == (413, "payload-too-large")


def test_a_long_body_is_refused_to_strangers_too(stranger: Client) -> None:
    for send in (whole, chunked):
        assert problem(send(stranger, padded(MAX + 1))) == (413, "payload-too-large")


def test_a_length_is_believed_before_the_body_is_read(admin: Client) -> None:
    environ = {"CONTENT_LENGTH": str(10**12)}
    given = admin.report(
        USER, content_type="application/json", environ_overrides=environ
    )
    assert problem(given) == (413, "payload-too-large")


def test_the_core_takes_no_longer_bodies(admin: Client) -> None:
    given = admin.get(
        "/v1/audit", data=padded(MAX + 1), content_type="application/json"
    )
    assert problem(given) == (413, "about:blank")


TYPES = {
    "application/json": 200,
    "Application/JSON": 200,
    "application/json; charset=utf-8": 200,
    "application/json;charset=UTF-8": 200,
    "application/x-www-form-urlencoded": 415,
    "multipart/form-data; boundary=x": 415,
    "text/plain": 415,
    "text/json": 415,
    "text/html": 415,
    "application/octet-stream": 415,
    "application/jsonp": 415,
    "*/*": 415,
    "json": 415,
    ";": 415,
}


def test_a_body_says_that_it_is_json(admin: Client) -> None:
    told_ = {
        type_: admin.report(USER, data=b"{}", content_type=type_).status_code
        for type_ in TYPES
    }
    assert told_ == TYPES


def test_a_body_without_a_type_is_refused(admin: Client) -> None:
    for method, path in (("REPORT", USER), ("POST", CREATE), ("DELETE", f"{USER}/KP")):
        given = admin.open(path, method=method, data=b"{}")
        assert problem(given) == (415, "unsupported-media-type")


def test_no_body_may_have_any_type(admin: Client) -> None:
    types = ("", *TYPES)
    told_ = {
        (type_, length): admin.report(
            USER,
            headers={"Content-Type": type_},
            environ_overrides={"CONTENT_LENGTH": length},
        ).status_code
        for type_ in types
        for length in ("0", "")
    }
    assert told_ == dict.fromkeys(told_, 200)
    assert admin.report(USER).status_code == 200


def test_each_endpoint_goes_without_a_body(admin: Client) -> None:
    plain = {"Content-Type": "text/plain", "Content-Length": "0"}
    path = f"{USER}/{told(admin.post(CREATE, headers=plain))['accessKey']}"
    assert admin.report(USER, headers=plain).status_code == 200
    assert admin.get(f"{path}?keys=isActive", headers=plain).status_code == 200
    assert problem(admin.patch(path, headers=plain)) == (400, "invalid-api-params")
    assert admin.delete(path, headers=plain).status_code == 204
    assert admin.get("/v1/audit", headers=plain).status_code == 200


def test_surrogate_pairs_are_one_character(admin: Client) -> None:
    body = b'{"props": {"description": "\\ud83d\\ude00 \\u00e9"}}'
    pair = told(admin.post(CREATE, data=body, content_type="application/json"))
    path = f"{USER}/{pair['accessKey']}?keys=description"
    assert told(admin.get(path)) == {"values": ["😀 é"]}


def test_odd_texts_are_kept_as_they_are(admin: Client) -> None:
    texts = [
        "e\u0301 \u00e9",
        "\u2028\u2029\ufeff\ufffd\uffff",
        "\\u0000 %00 %s {} $1 <b>&amp;</b>",
        "' OR 1=1 --",
        "\U0010ffff",
        "\r\n\t",
    ]
    for text in texts:
        answer = admin.post(CREATE, json={"props": {"description": text}})
        path = f"{USER}/{told(answer)['accessKey']}?keys=description"
        assert told(admin.get(path)) == {"values": [text]}


#: Paths (as they are sent) that could be cut in two ways, or shown as another.
PATHS = {
    "an encoded slash": "/v2/admin/keypairs/a%2Fcreate",
    "an encoded slash in small letters": "/v2/admin/keypairs/a%2fcreate",
    "an encoded slash before create": "/v2/admin/keypairs/a%2Fb/create",
    "an encoded slash in the family": "/v2%2Fadmin/keypairs/a/create",
    "a NUL": "/v2/admin/keypairs/a%00/create",
    "a line break": "/v2/admin/keypairs/a%0A/create",
    "a tab": "/v2/admin/keypairs/a%09/create",
    "a carriage return": "/v2/admin/keypairs/%0D/create",
    "a delete": "/v2/admin/keypairs/a%7F/create",
    "a C1 control": "/v2/admin/keypairs/a%C2%85/create",
    "an override": "/v2/admin/keypairs/a%E2%80%AEb/create",
    "a mark": "/v2/admin/keypairs/a%E2%80%8Fb/create",
}


@pytest.mark.parametrize("method", ["POST", "REPORT", "GET", "PATCH", "DELETE", "NIX"])
def test_unclean_paths_are_refused(
    admin: Client, stranger: Client, method: str
) -> None:
    for client in (admin, stranger):
        told_ = {
            name: client.open(path, method=method).status_code
            for name, path in PATHS.items()
        }
        assert told_ == dict.fromkeys(PATHS, 400)
    assert told(admin.report("/v2/admin/keypairs/a"))["paging"]["count"] == 0


def test_an_encoded_slash_is_told_in_the_shape_of_the_family(admin: Client) -> None:
    given = admin.post("/v2/admin/keypairs/a%2Fcreate")
    assert problem(given) == (400, "invalid-api-params")
    assert told(given)["errors"].keys() == {"path"}


def test_unmatched_paths_are_as_clean(stranger: Client) -> None:
    for path in (
        "/nix%2Fnada",
        "/%2F",
        "/v1/audit%2F",
        "/nix%00",
        "/%E2%80%AE",
        "/%0A",
    ):
        given = stranger.get(path)
        assert problem(given) == (400, "about:blank"), path


def test_a_path_of_other_bytes_than_utf_8_is_refused(
    admin: Client, stranger: Client
) -> None:
    for path in ("\xff", "a\xc0\xaf", "\xed\xa0\x80", "\xe9", "\xf5\x80\x80\x80"):
        for client in (admin, stranger):
            for full in (
                f"/v2/admin/keypairs/{path}/create",
                f"/v2/admin/keypairs/u1/{path}",
                f"/v2/admin/keypairs/u1/{path}/more",
                f"/nix/{path}",
            ):
                given = client.post(CREATE, environ_overrides={"PATH_INFO": full})
                assert problem(given)[0] == 400, repr(full)
    assert told(admin.report(USER))["paging"]["count"] == 0


def test_an_encoded_percent_is_no_slash(admin: Client) -> None:
    assert admin.post("/v2/admin/keypairs/a%252Fcreate/create").status_code == 200
    given = told(admin.report("/v2/admin/keypairs/a%252Fcreate"))
    assert given["paging"]["count"] == 1


def test_a_slash_in_the_query_is_nobodys_business(admin: Client) -> None:
    assert admin.report(f"{USER}?next=%2Fhome%00").status_code == 200


def test_odd_queries_are_refused_or_read_but_break_nothing(admin: Client) -> None:
    path = f"{USER}/{told(admin.post(CREATE))['accessKey']}"
    for query in (
        *("keys=%FF", "keys=%00", "keys=%ED%A0%80", "keys", "=", "&&", "%", "%ZZ=1"),
        *("keys=" + "a," * 5000, "keys[]=isActive", "keys=isActive&%FF=1"),
    ):
        assert problem(admin.get(f"{path}?{query}"))[0] == 400, query[:50]


def test_a_refusal_can_always_be_told(admin: Client) -> None:
    names: list[Any] = ["\u202e", "\x00", "\x1b[31m", "é" * 5000, "\uffff", "<script>"]
    for name in names:
        given = admin.post(CREATE, json={"props": {name: 1}})
        assert problem(given) == (400, "invalid-api-params")
        assert list(told(given)["errors"]) == [f"props.{name}"]
        assert json.loads(given.data.decode("utf-8", "strict"))
