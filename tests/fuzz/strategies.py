"""Strategies of bodies, paths and headers that no schema would make."""

import json
import string
from base64 import b64encode
from urllib.parse import quote_from_bytes
from urllib.parse import urlencode
from uuid import UUID

from hypothesis import strategies as st

FAMILY = "/v2/admin/keypairs"
ACCOUNTS = "/api/v1/service_accounts"
LOGIN = "/api/v1/login"
ORGANIZATIONS = "/organizations/"

#: Stands for the id of a service account that is there, and has a key ``runner``.
ACCOUNT = "ACCOUNT"
KEYS = f"{ACCOUNTS}/{ACCOUNT}/api_keys"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([2**53, -(2**63), 2**64, 10**400, 1e308, "\x00", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8)
            | st.sampled_from(
                ["props", "paging", "size", "index", "keys", "isActive", "ML", "cost"]
                + ["ML.clusterSize", "clusterSize", "scopes", "allowedIps", "expiresAt"]
                + ["description", "rateLimit", "remaining", "concurrecy", "concurrency"]
                + ["name", "active", "full_name", "retain_period_minutes", "expires_at"]
                + ["roleIds", "roleRefs", "token", "accessKey", "secretKey", "signed"]
                + ["questions", "ip", "cost", "method", "target", "headers", "body"]
                + ["owner", "createdBy", "kind", "id", "dryRun", "graceMinutes"]
                + ["tokens"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
bodies = st.one_of(
    st.binary(max_size=60),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(
        st.sampled_from(
            ["props", "paging", "isActive"]
            + ["name", "active", "description", "full_name", "retain_period_minutes"]
            + ["scopes", "allowed_ips", "expires_at", "rate_limit", "remaining"]
        ),
        json_values,
    ).map(lambda value: json.dumps(value).encode()),
    st.dictionaries(
        st.sampled_from(["grant_type", "username", "password", "x", ""]),
        st.sampled_from(["password", "zenml-api-key", "", "\0", "ksa_"])
        | st.text(max_size=12),
    ).map(lambda form: urlencode(form, errors="replace").encode()),
    st.integers(1, 20_000).map(lambda depth: b"[" * depth),
    st.integers(4200, 5000).map(lambda digits: b'{"a":' + b"1" * digits + b"}"),
)
operations = st.sampled_from(
    [
        ("QUERY", f"{FAMILY}/u1"),
        ("POST", f"{FAMILY}/u1/create"),
        ("GET", f"{FAMILY}/u1/KPA"),
        ("PATCH", f"{FAMILY}/u1/KPA"),
        ("DELETE", f"{FAMILY}/u1/KPA"),
        ("GET", "/v1/audit"),
        ("GET", "/"),
        ("GET", ACCOUNTS),
        ("POST", ACCOUNTS),
        ("GET", f"{ACCOUNTS}/ci"),
        ("PUT", f"{ACCOUNTS}/{ACCOUNT}"),
        ("GET", KEYS),
        ("POST", KEYS),
        ("GET", f"{KEYS}/runner"),
        ("PUT", f"{KEYS}/runner"),
        ("PUT", f"{KEYS}/runner/rotate"),
        ("DELETE", f"{KEYS}/nobody"),
        ("POST", LOGIN),
        ("GET", "/api/v1/current-user"),
        ("GET", f"{ORGANIZATIONS}o/access-keys"),
        ("POST", f"{ORGANIZATIONS}o/access-keys"),
        ("PATCH", f"{ORGANIZATIONS}o/access-keys/{UUID(int=1)}"),
        ("DELETE", f"{ORGANIZATIONS}o/access-keys/{UUID(int=1)}"),
        ("GET", "/v1/credentials"),
        ("POST", "/v1/credentials/KPA/rotate"),
        ("POST", "/v1/credentials/deactivate"),
        ("POST", "/v1/verify"),
        ("POST", "/v1/verify/batch"),
        ("POST", "/v1/leaks"),
    ]
)
media_types = st.sampled_from(
    ["application/json"] * 6
    + ["application/problem+json", "text/plain", "application/x-www-form-urlencoded"]
    + ["multipart/form-data; boundary=x", "application/json; charset=utf-16", "", ";"]
)
segments = st.one_of(
    st.binary(max_size=12).map(quote_from_bytes),
    st.text(max_size=12).map(
        lambda text: quote_from_bytes(text.encode("utf-8", "replace"))
    ),
    st.sampled_from([".", "..", "%2e", "%2F", "%5c", "create", "%00", "%c0%af", ";x"]),
    st.integers(250, 260).map(lambda number: "a" * number),
)
queries = st.lists(
    st.tuples(
        st.sampled_from(
            ["keys", "limit", "pageToken", "x", ""]
            + ["page", "size", "sort_by", "logical_operator", "hydrate", "id", "name"]
            + ["description", "active", "created", "last_login", "service_account"]
            + ["kind", "owner", "createdBy", "unusedFor", "expiresWithin"]
        ),
        st.one_of(
            st.text(alphabet=string.printable, max_size=8),
            st.text(max_size=8),
            st.integers().map(str),
            st.tuples(
                st.sampled_from(
                    ["equals", "oneof", "notoneof", "contains", "gt", "in", "isnull"]
                    + ["asc", "desc"]
                ),
                st.text(max_size=8)
                | json_values.map(json.dumps)
                | st.sampled_from(["2030-01-31 12:00:00", "0001-01-01", "name", "%"]),
            ).map(":".join),
        ),
    ),
    max_size=3,
)
roots = st.sampled_from(
    [
        FAMILY,
        "/v1/audit",
        "/v1/auth",
        "/v1/leaks",
        ACCOUNTS,
        ACCOUNTS,
        KEYS,
        KEYS,
        LOGIN,
    ]
    + [f"{ORGANIZATIONS}o/access-keys"]
)

methods = st.sampled_from(
    ["GET", "QUERY", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE"]
)
latin = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40)
credentials = st.one_of(
    latin,
    latin.map(lambda text: f"Basic {text}"),
    st.binary(max_size=40).map(lambda pair: f"Basic {b64encode(pair).decode()}"),
    latin.map(lambda text: f"BackendAI {text}"),
    latin.map(lambda text: f"Bearer {text}"),
    st.sampled_from(["Bearer", "Bearer ksa_", "Bearer kss_" + "0" * 54, "bEARER  x"]),
    st.tuples(latin, latin).map(
        lambda pair: f"BackendAI signMethod=HMAC-SHA256, credential={pair[0]}:{pair[1]}"
    ),
)
names = st.sampled_from(
    ["Date", "X-BackendAI-Date", "X-BackendAI-Version", "X-Sorna-Version", "Host"]
    + [
        "X-Request-ID",
        "X-Method-Override",
        "X-Forwarded-For",
        "Content-Length",
        "Idempotency-Key",
        "Accept",
    ]
)
values = st.one_of(
    latin,
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.sampled_from(["v6.20220315", "v3.20170101", "REPORT", "0", "-1", "text/html"]),
)
