"""Eight at once rotate one key: one secret is current, and at most one retained."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from keysvc.commands.group import operator
from keysvc.core.ledger.chain import Finding
from keysvc.core.service import Service
from keysvc.core.verification.presented import Token
from keysvc.errors import KeysvcError
from keysvc.errors import UnknownCredential
from keysvc.model import AccountDraft
from keysvc.model import Draft
from keysvc.model import Kind
from keysvc.model import Origin
from keysvc.store.connection import reading
from keysvc.store.tables import AuditRow
from keysvc.store.tables import CredentialRow

THREADS = 8
EACH = 3


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    return config | {"KEYSVC_POOL_SIZE": 2 * THREADS, "KEYSVC_POOL_TIMEOUT": 30}


@pytest.mark.parametrize("retain", [0, 60])
def test_eight_threads_leave_one_current_and_at_most_one_retained_secret(
    app: Flask, service: Service, retain: int
) -> None:
    cli = operator()
    owner = service.accounts.create(cli, AccountDraft(name="ci")).owner
    first = service.credentials.issue(cli, Kind.API_KEY, owner, Draft(name="k"))
    start = Barrier(THREADS)

    def rotate(_: int) -> list[str]:
        start.wait()
        rotations = [
            service.credentials.rotate(cli, Kind.API_KEY, owner, "k", retain)
            for _ in range(EACH)
        ]
        return [rotation.secret for rotation in rotations]

    with ThreadPoolExecutor(THREADS) as pool:
        made = [first.secret, *(s for m in pool.map(rotate, range(THREADS)) for s in m)]

    good = [secret for secret in made if admits(service, secret)]
    assert len(set(made)) == THREADS * EACH + 1
    assert len(good) == (2 if retain else 1)
    with reading():
        row = CredentialRow.get(CredentialRow.kind == Kind.API_KEY)
        rotations = AuditRow.select().where(AuditRow.action == "credential.rotate")
        assert rotations.count() == THREADS * EACH
        total = AuditRow.select().count()
    assert row.generation == THREADS * EACH
    assert (row.retained_digest is not None) == bool(retain)
    assert service.ledger.verify() == Finding(total, None)


def test_one_that_rotates_and_one_that_deletes_do_not_bring_a_key_back(
    app: Flask, service: Service
) -> None:
    cli = operator()
    owner = service.accounts.create(cli, AccountDraft(name="ci")).owner
    for number in range(5):
        name = f"k{number}"
        issued = service.credentials.issue(cli, Kind.API_KEY, owner, Draft(name=name))
        start = Barrier(2)

        def rotate(name: str = name, start: Barrier = start) -> str | None:
            start.wait()
            try:
                return service.credentials.rotate(
                    cli, Kind.API_KEY, owner, name, 5
                ).secret
            except KeysvcError:
                return None

        def delete(name: str = name, start: Barrier = start) -> None:
            start.wait()
            service.credentials.delete(cli, Kind.API_KEY, owner, name)

        with ThreadPoolExecutor(2) as pool:
            new, gone = pool.submit(rotate), pool.submit(delete)
            gone.result()
        for secret in (issued.secret, new.result()):
            assert secret is None or not admits(service, secret)
    assert service.ledger.verify().flaw is None


def admits(service: Service, secret: str) -> bool:
    try:
        service.verifier.admit(Token(secret, Kind.API_KEY), Origin("127.0.0.1"))
    except UnknownCredential:
        return False
    return True
