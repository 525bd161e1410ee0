"""What a client may send to look like somebody else: nothing of it counts."""

import pytest

from tests.proxies.stages import basic
from tests.proxies.stages import echoed
from tests.proxies.stages import signer_of
from tests.proxies.stages import Stage

FAMILIES = ("X-Forwarded", "X-Original")


def _spellings(name: str) -> list[str]:
    """Return the ways in which a server may come to read this name of a header."""
    family, _, rest = name.rpartition("-")
    return [
        name,
        name.lower(),
        name.replace("-", "_"),
        name.lower().replace("-", "_"),
        f"{family}_{rest}",
        f"{family.replace('-', '_')}-{rest}",
    ]


def spoofed(**told: str) -> list[dict[str, str]]:
    """Return headers of either family and every spelling that tell *told*."""
    names = {
        rest: [s for f in FAMILIES for s in _spellings(f"{f}-{rest}")] for rest in told
    }
    together = {name: told[rest] for rest, found in names.items() for name in found}
    each = [
        {names[rest][at]: value for rest, value in told.items()}
        for at in range(len(next(iter(names.values()))))
    ]
    return [together, *each]


OWN = {
    "HTTP_X_KEYSVC_KIND": "keypair",
    "HTTP_X_KEYSVC_OWNER": "alice",
    "HTTP_X_KEYSVC_OWNER_KIND": "user",
}


@pytest.mark.parametrize(
    "name",
    [
        *_spellings("X-Keysvc-Owner"),
        *_spellings("X-Keysvc-Scopes"),
        "X-Keysvc-Owner_Kind",
        "X-KEYSVC-ID",
        "X-Keysvc",
        "X-Keysvc-Roles",
        "X_Keysvc_Roles",
        "X-Keysvc-Owner-Name",
    ],
)
def test_who_somebody_is_only_keysvc_says(stage: Stage, name: str) -> None:
    pair = stage.issue()

    told = echoed(stage.ask(headers=basic(pair) | {name: "root"}))["keysvc"]

    # Who holds no scopes is told with an empty header, or with none.
    assert told.pop("HTTP_X_KEYSVC_SCOPES", "") == ""
    assert told == OWN | {"HTTP_X_KEYSVC_ID": pair[0]}


def test_where_somebody_is_only_the_wire_says(stage: Stage) -> None:
    near, _ = stage.issue_key("near", allowed_ips=["127.0.0.2"])
    far, _ = stage.issue_key("far", allowed_ips=["203.0.113.0/24", "127.0.0.1"])

    for told in spoofed(For="203.0.113.7", Host="x"):
        assert (
            stage.ask(headers={"X-API-Key": far} | told, source="127.0.0.2").status
            == 403
        )
    for told in spoofed(For="127.0.0.2"):
        assert (
            stage.ask(headers={"X-API-Key": near} | told, source="127.0.0.3").status
            == 403
        )
    for told in spoofed(For="203.0.113.7"):
        assert (
            stage.ask(headers={"X-API-Key": near} | told, source="127.0.0.2").status
            == 200
        )
    for other in ("X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP"):
        told = {other: "127.0.0.2", "X-API-Key": near}
        assert stage.ask(headers=told, source="127.0.0.3").status == 403


def test_what_is_asked_only_the_wire_says(stage: Stage) -> None:
    signer = signer_of(stage.issue())
    signed = signer.headers("GET", "/orders")
    right = spoofed(Method="GET", Uri="/orders", Host="api.example.org")
    right += spoofed(Method="GET", URL="http://api.example.org/orders")
    wrong = spoofed(Method="POST", Uri="/others", Host="other.example.org")

    for told in right:
        assert stage.ask("DELETE", "/orders", signed | told).status == 401
        assert stage.ask("GET", "/others", signed | told).status == 401
        there = signed | told | {"Host": "other.example.org"}
        assert stage.ask("GET", "/orders", there).status == 401
    for told in wrong:
        assert stage.ask("GET", "/orders", signed | told).status == 200


@pytest.mark.parametrize(
    "target",
    [
        "/jobs/7",
        "//jobs/7",
        "/%6Aobs/7",
        "/jobs%2F7",
        "/./jobs/7",
        "/x/../jobs/7",
        "/x/%2e%2e/jobs/7",
        "/x/..%2Fjobs/7",
        "/jobs/7?scope=verify",
        "/jobs/7?scope=",
    ],
)
def test_no_spelling_leads_around_a_scope(stage: Stage, target: str) -> None:
    answer = stage.ask("GET", target, basic(stage.issue(scopes=["verify"])))

    # What the application takes for another place is one.
    assert answer.status in {400, 403} or not echoed(answer)["target"].startswith(
        ("/jobs", "//jobs")
    )


def test_no_detour_leads_to_the_question_itself(stage: Stage) -> None:
    good = basic(stage.issue())

    for path in ("/_keysvc", "/_keysvc/jobs", "/v1/auth"):
        assert stage.ask("GET", path).status in {401, 404}
        assert "x-keysvc-id" not in stage.ask("GET", path, good).headers
