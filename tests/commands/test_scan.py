"""``keysvc scan``: what it reads, what it finds, what it says and does of it."""

import gzip
import json
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result
from flask import Flask
from flask.cli import ScriptInfo

from keysvc import create_app
from keysvc.commands import commands
from keysvc.commands.group import operator
from keysvc.core.background import finish_all
from keysvc.core.secrets.tokens import mint_keypair
from keysvc.core.secrets.tokens import mint_token
from keysvc.core.service import Service
from keysvc.errors import Unavailable
from keysvc.model import Issued
from keysvc.model import Keyset
from keysvc.store.connection import disconnect
from tests.api.organizations import issue_key
from tests.commands.conftest import Run

NOTHING, FOUND, UNSURE = 0, 1, 2

Issue = Callable[..., Issued]


@pytest.fixture
def scan(run: Run) -> Callable[..., Result]:
    """Return a function that scans offline: ``scan(path)``."""
    return lambda *words, **kwargs: run("scan", "--offline", *map(str, words), **kwargs)


Scan = Callable[..., Result]

on_one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def token() -> str:
    return mint_token("ksa")[1]


def public_id(token: str) -> str:
    return token.partition("_")[2][:16]


def listed(done: Result) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def where(done: Result) -> list[str]:
    """Return the first column of the table."""
    return [line.split("  ")[0] for line in done.stdout.splitlines()[2:]]


# -- what it says -------------------------------------------------------------------


def test_live_ones_are_told_and_switched_off(
    run: Run, service: Service, issue: Issue, tmp_path: Path
) -> None:
    keypair, key = issue(), issue_key(service, "acme", is_active=False)
    pair = f"{keypair.credential.public_id}:{keypair.secret}"
    unknown = token()
    log = tmp_path / "app.log"
    log.write_text(f"# {pair}\n{key.secret}\n\n{unknown}\n{pair}\n")

    told, ended, again = (
        run("scan", *words, "--json", str(log)) for words in ((), ("--revoke",), ())
    )

    assert {done.exit_code for done in (told, ended, again)} == {FOUND}
    assert listed(told) == [
        {
            "path": str(log),
            "line": 1,
            "commit": None,
            "times": 2,
            "kind": "keypair",
            "publicId": keypair.credential.public_id,
            "code": "VALID",
            "id": keypair.credential.public_id,
            "owner": {"kind": "user", "id": "alice"},
            "revoked": False,
        },
        {
            "path": str(log),
            "line": 2,
            "commit": None,
            "times": 1,
            "kind": "access_key",
            "publicId": key.credential.public_id,
            "code": "INACTIVE",
            "id": str(key.credential.id),
            "owner": {"kind": "organization", "id": "acme"},
            "revoked": False,
        },
        {
            "path": str(log),
            "line": 4,
            "commit": None,
            "times": 1,
            "kind": "api_key",
            "publicId": public_id(unknown),
            "code": "UNKNOWN",
            "id": None,
            "owner": None,
            "revoked": False,
        },
    ]
    states = [
        [(row["code"], row["revoked"]) for row in listed(d)] for d in (ended, again)
    ]
    rest = [("INACTIVE", False), ("UNKNOWN", False)]
    assert states == [[("VALID", True), *rest], [("INACTIVE", False), *rest]]
    records = service.ledger.page(operator(), Keyset(limit=100)).items
    assert [one.entry.action for one in records][-1] == "credential.leak"
    assert records[-1].entry.actor.kind == "cli"


def test_people_see_a_table_and_nobody_a_token(
    run: Run, issue: Issue, tmp_path: Path
) -> None:
    keypair, unknown = issue(), token()
    file = tmp_path / "a"
    file.write_text(f"{keypair.credential.public_id} {keypair.secret} {unknown}")
    columns = ["where", "times", "kind", "publicId"]

    for words, more in (
        ([], ["code", "id"]),
        (["--offline"], []),
        (["--revoke"], ["code", "id", "revoked"]),
        (["--json"], None),
    ):
        done = run("scan", *words, str(file))

        assert done.exit_code == FOUND
        assert keypair.secret not in done.output
        assert unknown[20:] not in done.output
        if more is not None:
            assert done.stdout.splitlines()[0].split() == [*columns, *more]
            assert where(done) == [f"{file}:1"] * 2
            assert done.stderr == ""


def test_more_than_a_hundred_are_asked_of(
    run: Run, issue: Issue, tmp_path: Path
) -> None:
    issued = issue()
    file = tmp_path / "many"
    lines = [token() for _ in range(230)]
    lines += [f"{issued.credential.public_id}:{issued.secret}"]
    file.write_text("\n".join(lines))

    rows = listed(run("scan", "--json", "--revoke", str(file)))

    assert [row["line"] for row in rows] == list(range(1, 232))
    assert [row["code"] for row in rows] == ["UNKNOWN"] * 230 + ["VALID"]
    assert rows[-1]["revoked"]


@on_one_engine
def test_nothing_is_said_of_nothing(run: Run, scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("ksa_")

    for done in (scan(tmp_path / "a"), run("scan", str(tmp_path / "a"))):
        assert (done.exit_code, done.output) == (NOTHING, "")
    assert scan("--json", tmp_path / "a").stdout == "[]\n"


@on_one_engine
def test_a_token_is_told_once_of_each_file(scan: Scan, tmp_path: Path) -> None:
    whole, other = token(), token()
    (tmp_path / "a").write_text(f"\n{whole}\n" * 1000 + other)
    (tmp_path / "b").write_text(whole)

    rows = listed(scan("--json", tmp_path))

    assert [(row["path"][-1], row["line"], row["times"]) for row in rows] == [
        ("a", 2, 1000),
        ("a", 2001, 1),
        ("b", 1, 1),
    ]


# -- what it reads ------------------------------------------------------------------


@on_one_engine
def test_every_file_below_a_directory_is_read_and_what_is_not_is_told(
    scan: Scan, tmp_path: Path
) -> None:
    tree, whole = tmp_path / "tree", token()
    for name in (".hidden", "a.bin", "deep/er/b.txt", ".git/config", "node_modules/x"):
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\x00\xff\n" + whole.encode())
    (tmp_path / "outside").write_text(whole)
    (tree / "link").symlink_to(tmp_path / "outside")
    (tree / "loop").symlink_to(tree)
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tree / "socket"))

        done = scan(tree)

    names = [".git/config", ".hidden", "a.bin", "deep/er/b.txt", "node_modules/x"]
    assert sorted(where(done)) == [f"{tree}/{name}:2" for name in names]
    assert done.exit_code == FOUND
    assert done.stderr.splitlines() == [
        "2 symbolic links were not followed.",
        "2 pipes, sockets or devices were not read.",
        f"{tree}: --git reads its history, too.",
    ]
    # What is named is read, be it a link.
    assert where(scan(tree / "link")) == [f"{tree}/link:1"]


@on_one_engine
def test_standard_input_is_read(scan: Scan) -> None:
    done = scan("-", "-", input=f"one\n{token()}\n")

    assert (where(done), done.exit_code) == (["-:2"], FOUND)


@on_one_engine
def test_what_is_gzips_is_unpacked(scan: Scan, tmp_path: Path) -> None:
    packed = gzip.compress(f"one\ntwo\n{token()}\n".encode())
    for name, content in (("log.1", packed), ("log.2.gz", packed + packed)):
        (tmp_path / name).write_bytes(content)

    rows = listed(scan("--json", tmp_path))

    assert [(row["line"], row["times"]) for row in rows] == [(3, 1), (3, 2)]
    assert where(scan("-", input=packed)) == ["-:3"]


@on_one_engine
def test_what_cannot_be_read_is_told_and_the_rest_is_read(
    scan: Scan, tmp_path: Path
) -> None:
    packed = gzip.compress(f"{token()}\n".encode() + os.urandom(1 << 16))
    (tmp_path / "cut.gz").write_bytes(packed[:-5000])
    (tmp_path / "none.gz").write_bytes(b"\x1f\x8b and so on")
    (tmp_path / "plain").write_text(token())

    done = scan(tmp_path / "absent", tmp_path)

    assert done.exit_code == UNSURE
    assert where(done) == [f"{tmp_path}/plain:1"]
    failures = [line.partition(": ") for line in done.stderr.splitlines()]
    assert [(path, bool(reason)) for path, _, reason in failures] == [
        (f"{tmp_path}/{name}", True) for name in ("absent", "cut.gz", "none.gz")
    ]


@on_one_engine
def test_no_name_of_a_file_speaks_to_the_terminal(scan: Scan, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"\x1b[31m\n\xff\xe2\x80\xae\xc3\xa9")
    odd.write_text(token())

    expected = f"{tmp_path}/\\x1b[31m\\n\\xff\\u202e\u00e9"
    assert where(scan(odd)) == [f"{expected}:1"]
    assert listed(scan("--json", odd))[0]["path"] == expected


# -- histories ----------------------------------------------------------------------


class Repository:
    """A git repository, its commits in order."""

    def __init__(self, directory: Path) -> None:
        self.directory, self._commits = directory, 0
        directory.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        # One commit is newer than the other, however fast they come.
        date = f"2030-01-01T00:00:{self._commits:02}Z"
        return subprocess.run(
            ["git", "-C", str(self.directory), *who, *words],
            env={**os.environ, "GIT_COMMITTER_DATE": date},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def commit(self, message: str = "x", **files: str | bytes | None) -> str:
        for name, content in files.items():
            path = self.directory / name
            if content is None:
                path.unlink()
            else:
                path.write_bytes(
                    content.encode() if isinstance(content, str) else content
                )
        self._commits += 1
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def remembered(done: Result) -> set[tuple[str, str, int, int]]:
    """Return what was found in the history: commit, path, line, times."""
    return {
        (row["commit"], row["path"], row["line"], row["times"])
        for row in listed(done)
        if row["commit"]
    }


@on_one_engine
def test_what_was_ever_committed_is_found(scan: Scan, repository: Repository) -> None:
    gone, kept, packed, aside, said, tagged = (token() for _ in range(6))
    first = repository.commit(a=f"one\n{gone}\n")
    second = repository.commit(a="one\n", b=gzip.compress(packed.encode()), c=kept)
    third = repository.commit("oops: " + said, b=None, d="\0" * 3_000_000)
    repository.git("checkout", "-q", "-b", "other", first)
    fourth = repository.commit(e=f"{aside}\n{aside}")
    repository.git("tag", "-a", "v1", "-m", tagged)
    repository.git("checkout", "-q", "main")

    done = scan("--json", "--git", repository.directory)

    assert done.exit_code == FOUND
    found = {row["publicId"]: row for row in listed(done) if row["commit"]}
    assert {
        id_: (row["commit"], row["path"], row["line"]) for id_, row in found.items()
    } == {
        public_id(gone): (fourth, "a", 2),
        public_id(packed): (second, "b", 1),
        public_id(kept): (third, "c", 1),
        public_id(aside): (fourth, "e", 1),
        public_id(said): (third, "(message)", 6),
        public_id(tagged): (fourth, "v1", 6),
    }
    assert found[public_id(aside)]["times"] == 2
    on_disk = [row["path"] for row in listed(done) if not row["commit"]]
    # What git keeps of a message or a tag it may keep in files, too.
    assert f"{repository.directory}/c" in on_disk
    assert done.stderr == ""


@on_one_engine
def test_each_version_of_a_file_counts_and_the_newest_is_told(
    scan: Scan, repository: Repository
) -> None:
    whole = token()
    for number in range(4):
        last = repository.commit(a=f"{number}\n" * number + whole)
    repository.commit(a=None)

    done = scan("--json", "--git", repository.directory)

    assert remembered(done) == {(last, "a", 4, 4)}


@on_one_engine
def test_what_is_no_repository_or_a_broken_one_is_told(
    scan: Scan, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))

    done = scan("--git", plain)

    assert done.exit_code == UNSURE
    assert "plain: the history: fatal: not a git repository" in done.stderr
    (plain / "file").write_text(token())
    assert scan("--git", plain / "file").exit_code == FOUND

    repository.commit(a=token(), b="x")
    blob = repository.git("rev-parse", "HEAD:b")
    (repository.directory / ".git/objects" / blob[:2] / blob[2:]).unlink()
    done = scan("--json", "--git", repository.directory)

    assert done.exit_code == UNSURE
    assert "the history: " in done.stderr
    assert listed(done)

    monkeypatch.setenv("PATH", "")
    done = scan("--git", repository.directory)
    assert done.exit_code == UNSURE
    assert "the history: " in done.stderr


# -- settings -----------------------------------------------------------------------


@on_one_engine
def test_the_prefixes_of_the_estate_are_looked_for(
    config: dict[str, Any], tmp_path: Path
) -> None:
    app = create_app({**config, "KEYSVC_API_KEY_PREFIX": "acme"})
    try:
        own, old, others = (mint_token(prefix)[1] for prefix in ("acme", "ksa", "Old1"))
        (tmp_path / "a").write_text(f"{own}\n{old}\n{others}")
        runner = app.test_cli_runner()

        def kinds(*words: str) -> list[tuple[int, str]]:
            args = ("scan", "--offline", "--json", *words, str(tmp_path / "a"))
            done = runner.invoke(args=["keysvc", *args])
            return [(row["line"], row["kind"]) for row in listed(done)]

        assert kinds() == [(1, "api_key")]
        assert kinds("--prefix", "ksa", "--prefix", "Old1") == [
            (1, "api_key"),
            (2, "token"),
            (3, "token"),
        ]
        assert kinds("--prefix", "acme") == [(1, "api_key")]
    finally:
        finish_all()
        disconnect()


@on_one_engine
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--prefix", "a_b"], "1 to 12 characters"),
        (["--prefix", ""], "1 to 12 characters"),
        (["--prefix", "a" * 13], "1 to 12 characters"),
        (["--revoke", "--offline"], "--revoke needs the database"),
        ([], "Missing argument"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(
    run: Run, tmp_path: Path, words: list[str], said: str
) -> None:
    done = run("scan", *words, *([str(tmp_path)] if words else []))

    assert done.exit_code == UNSURE
    assert said in done.stderr


# -- without a database -------------------------------------------------------------


def test_offline_nothing_is_asked_and_nothing_is_made(
    begin: Callable[[], Run], nothing: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "a").write_text(token() + "\n" + ":".join(mint_keypair()))
    run = begin()

    done = run("scan", "--offline", str(tmp_path / "a"))
    asking = run("scan", str(tmp_path / "a"))

    assert (done.exit_code, len(where(done))) == (FOUND, 2)
    assert asking.exit_code == UNSURE
    assert "--offline" in asking.stderr
    assert not Path(nothing["KEYSVC_HOME"]).exists()


def test_a_wrong_setting_is_not_taken_for_a_finding(tmp_path: Path) -> None:
    def make() -> Flask:
        return create_app({"KEYSVC_API_KEY_PREFIX": "a_b"})

    words = ["scan", "--offline", str(tmp_path)]
    done = CliRunner().invoke(commands, words, obj=ScriptInfo(create_app=make))

    assert done.exit_code == UNSURE
    assert "KEYSVC_API_KEY_PREFIX must have 1 to 12 characters" in done.stderr


@on_one_engine
def test_what_was_found_is_told_even_if_the_database_goes_away(
    run: Run, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text(token())
    assert run("scan", str(tmp_path / "a")).exit_code == FOUND

    def away(*asked: object) -> None:
        raise Unavailable("The database cannot be asked now.")

    monkeypatch.setattr(service.leaks, "examine", away)
    done = run("scan", "--json", str(tmp_path / "a"))

    assert done.exit_code == UNSURE
    assert [row["code"] for row in listed(done)] == [None]
    assert "cannot be asked now" in done.stderr
