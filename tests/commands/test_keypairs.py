"""``keysvc keypairs``: the API's properties as NAME=VALUE."""

import json
from typing import Any

import pytest

from tests.commands.conftest import Run
from tests.conftest import Client


def _made(run: Run, *properties: str, user: str = "u1") -> str:
    done = run("keypairs", "create", user, *properties, "--json")
    assert done.exit_code == 0, done.stderr
    made = json.loads(done.stdout)
    assert set(made) == {"accessKey", "secretKey"}
    access_key: str = made["accessKey"]
    return access_key


def _shown(run: Run, access_key: str) -> dict[str, Any]:
    done = run("keypairs", "show", "u1", access_key, "--json")
    assert done.exit_code == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def test_the_whole_life_in_tables(run: Run) -> None:
    created = run("keypairs", "create", "u1", "description=for the report")
    printed = dict(line.split() for line in created.stdout.splitlines())
    access_key, secret_key = printed.values()

    assert list(printed) == ["accessKey", "secretKey"]
    listed = run("keypairs", "list", "u1").stdout.splitlines()
    assert listed[0].split() == ["accessKey", "isActive", "totalQueries", "created"]
    assert listed[2].split()[:3] == [access_key, "yes", "0"]
    shown = run("keypairs", "show", "u1", access_key).stdout
    assert "description" in shown and "for the report" in shown
    assert secret_key not in shown + "".join(listed)
    updated = run("keypairs", "update", "u1", access_key, "isActive=false")
    assert updated.stdout == f"Updated {access_key}.\n"
    assert run("keypairs", "list", "u1").stdout.splitlines()[2].split()[1] == "no"
    deleted = run("keypairs", "delete", "u1", access_key, "--yes")
    assert deleted.stdout == f"Deleted {access_key}.\n"
    assert json.loads(run("keypairs", "list", "u1", "--json").stdout) == []


def test_json_has_what_the_api_has(run: Run, admin: Client) -> None:
    access_key = _made(run, "scopes=verify")

    listed = json.loads(run("keypairs", "list", "u1", "--json").stdout)

    answer = admin.report("/v2/admin/keypairs/u1").json
    assert answer is not None
    assert listed == answer["items"]
    shown = _shown(run, access_key)
    names = ",".join(shown)
    values = admin.get(f"/v2/admin/keypairs/u1/{access_key}?keys={names}").json
    assert values == {"values": list(shown.values())}


def test_a_keypair_made_here_is_let_in(run: Run, stranger: Client) -> None:
    made = json.loads(
        run("keypairs", "create", "u1", "scopes=keypairs:read", "--json").stdout
    )

    answer = stranger.carrying(**_snake(made)).report("/v2/admin/keypairs/u1")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("given", "name", "kept"),
    [
        ("isActive=false", "isActive", False),
        ("concurrency=7", "concurrency", 7),
        ("concurrecy=7", "concurrency", 7),
        ("ML.clusterSize=4", "ML.clusterSize", 4),
        ('ML={"clusterSize": 4}', "ML.clusterSize", 4),
        ("ML.instanceMemory=16", "ML.instanceMemory", 16),
        ("cost.automatic=true", "cost.automatic", True),
        ("cost.dailyLimit=12.50", "cost.dailyLimit", "12.50"),
        ("rateLimit=100", "rateLimit", 100),
        ("remaining=0", "remaining", 0),
        (
            "expiresAt=2030-01-31T12:00:00Z",
            "expiresAt",
            "2030-01-31T12:00:00.000000+00:00",
        ),
        ("scopes=keypairs:read,verify", "scopes", ["keypairs:read", "verify"]),
        ("scopes=", "scopes", []),
        ("allowedIps=192.0.2.0/24", "allowedIps", ["192.0.2.0/24"]),
        ("description=42", "description", "42"),
        ("description=true", "description", "true"),
        ("description=a=b", "description", "a=b"),
        ("description=Büro", "description", "Büro"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_every_property_can_be_given(
    run: Run, given: str, name: str, kept: object
) -> None:
    access_key, other = _made(run, given), _made(run)
    assert run("keypairs", "update", "u1", other, given).exit_code == 0

    assert _shown(run, access_key)[name] == kept
    assert _shown(run, other)[name] == kept


@pytest.mark.parametrize(
    ("name", "value", "emptied"),
    [
        ("rateLimit", "100", None),
        ("remaining", "5", None),
        ("expiresAt", "2030-01-31T12:00:00Z", None),
        ("scopes", "verify", []),
        ("allowedIps", "192.0.2.1", []),
        ("description", "words", ""),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_empty_value_empties(
    run: Run, name: str, value: str, emptied: object
) -> None:
    access_key = _made(run, f"{name}={value}")
    assert _shown(run, access_key)[name] != emptied

    done = run("keypairs", "update", "u1", access_key, f"{name}=")

    assert done.exit_code == 0, done.stderr
    assert _shown(run, access_key)[name] == emptied


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("isActive", "Must look like NAME=VALUE."),
        ("isActive=maybe", "isActive: Must be true or false."),
        ("isActive=1", "isActive: Must be true or false."),
        ("isActive=", "isActive: Must be true or false."),
        ("concurrency=-1", "concurrency: Must be "),
        ("concurrency=", "concurrency: Must be a whole number."),
        ("ML.clusterSize=NaN", "ML.clusterSize: Must be a whole number."),
        (f"ML.clusterSize={'9' * 5000}", "ML.clusterSize: Must be a whole number."),
        (f"ML.clusterSize={'[' * 50000}", "ML.clusterSize: Must be a whole number."),
        ("cost.dailyLimit=", "cost.dailyLimit: Must be a decimal string"),
        ("cost.dailyLimit=-1", "cost.dailyLimit: Must be a decimal string"),
        ("expiresAt=tomorrow", "expiresAt: Must be a time in ISO 8601"),
        ("expiresAt=2030-01-31", "expiresAt: Must be a time in ISO 8601"),
        ("scopes=READ", "scopes: "),
        ("allowedIps=localhost", "allowedIps: "),
        (f"description={'x' * 1025}", "description: "),
        ("accessKey=KPX", "accessKey: Read-only."),
        ("totalQueries=0", "totalQueries: Read-only."),
        ("colour=red", "colour: "),
        ("=5", ": "),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_wrong_property_is_told_in_a_sentence(
    run: Run, given: str, said: str
) -> None:
    access_key = _made(run)

    for command in (("create", "u1"), ("update", "u1", access_key)):
        done = run("keypairs", *command, given)

        assert done.exit_code == 1
        assert isinstance(done.exception, SystemExit)
        assert done.stderr.startswith("Error: ")
        assert said in done.stderr
    assert len(json.loads(run("keypairs", "list", "u1", "--json").stdout)) == 1


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_name_given_twice_is_refused(run: Run) -> None:
    done = run("keypairs", "create", "u1", "rateLimit=5", "rateLimit=500")

    assert done.exit_code == 1
    assert "rateLimit: Given twice." in done.stderr


@pytest.mark.parametrize("user", ["", "x" * 256, "a\tb", "a\u202eb"])
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_user_that_the_api_could_not_name_is_refused(run: Run, user: str) -> None:
    done = run("keypairs", "create", "--", user)

    assert done.exit_code == 1
    assert done.stderr.startswith("Error: USER: ")


@pytest.mark.parametrize(
    "command", [("show",), ("update",), ("delete", "--yes")], ids=lambda c: c[0]
)
def test_an_unknown_or_foreign_keypair_is_told(
    run: Run, command: tuple[str, ...]
) -> None:
    foreign = _made(run, user="u2")

    for access_key in ("KPAAAAAAAAAAAAAAAAAA", foreign):
        given = ("isActive=false",) if command == ("update",) else ()
        done = run("keypairs", *command, "u1", access_key, *given)

        assert done.exit_code == 1
        assert done.stderr == "Error: There is no such credential.\n"


def test_delete_asks_first(run: Run) -> None:
    access_key = _made(run)

    no = run("keypairs", "delete", "u1", access_key, input="n\n")

    assert no.exit_code == 1
    assert "cannot be undone" in no.stdout
    assert len(json.loads(run("keypairs", "list", "u1", "--json").stdout)) == 1
    yes = run("keypairs", "delete", "u1", access_key, input="y\n")
    assert yes.exit_code == 0
    assert json.loads(run("keypairs", "list", "u1", "--json").stdout) == []


def test_every_change_is_recorded_as_the_shell_s(run: Run, admin: Client) -> None:
    access_key = _made(run)
    run("keypairs", "update", "u1", access_key, "description=x")
    run("keypairs", "delete", "u1", access_key, "--yes")

    page = admin.get("/v1/audit").json

    assert page is not None
    mine = [i for i in page["items"] if i["credentialId"] == access_key]
    assert [item["action"] for item in mine] == [
        "credential.create",
        "credential.update",
        "credential.delete",
    ]
    assert {item["actor"]["kind"] for item in mine} == {"cli"}


def _snake(made: dict[str, str]) -> dict[str, str]:
    return {"access_key": made["accessKey"], "secret_key": made["secretKey"]}
