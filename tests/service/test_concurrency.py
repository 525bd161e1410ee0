"""Many writers at once: nothing is lost, nothing fails, the chain holds."""

from collections.abc import Callable
from typing import Any

from keysvc import create_app
from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.ledger.chain import Finding
from keysvc.core.service import Service
from keysvc.model import Issued
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store.connection import reading
from keysvc.store.tables import AuditRow
from keysvc.store.tables import CredentialRow
from tests.conftest import Client
from tests.store.processes import at_once

PROCESSES = 4
EACH = 200
TURNS = 25
ALICE = Owner(OwnerKind.USER, "alice")
USER = "/v2/admin/keypairs/u1"


def test_four_processes_create_800_keypairs(
    service: Service, config: dict[str, Any], admin: Client
) -> None:
    authorization = admin.environ_base["HTTP_AUTHORIZATION"]

    results = at_once(_create, [(config, authorization)] * PROCESSES)

    answers = [answer for result in results for answer in result]
    assert {status for status, _ in answers} == {200}
    created = {access_key for _, access_key in answers}
    assert len(created) == PROCESSES * EACH
    with reading():
        rows = CredentialRow.select().where(CredentialRow.owner_id == "u1")
        assert {row.public_id for row in rows} == created
        assert len({row.digest for row in rows}) == PROCESSES * EACH
        numbers = [row.seq for row in AuditRow.select().order_by(AuditRow.seq)]
    assert numbers == list(range(1, PROCESSES * EACH + 2)), "the administrator's is 1"
    assert service.ledger.verify() == Finding(len(numbers), None)


def _create(config: dict[str, Any], authorization: str) -> list[tuple[int, str | None]]:
    client = create_app(config).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = authorization
    answers = []
    for _ in range(EACH):
        response = client.post(f"{USER}/create", json={})
        answers.append((response.status_code, (response.json or {}).get("accessKey")))
    return answers


def test_four_processes_change_one_keypair(
    service: Service, config: dict[str, Any], issue: Callable[..., Issued]
) -> None:
    public_id = issue("alice").credential.public_id

    results = at_once(
        _change, [(config, public_id, f"p{number}") for number in range(PROCESSES)]
    )

    assert results == [None] * PROCESSES
    last = service.credentials.get(operator(), Kind.KEYPAIR, ALICE, public_id)
    assert last.attributes == dict.fromkeys(["p0", "p1", "p2", "p3"], TURNS - 1)
    with reading():
        rows = list(AuditRow.select().order_by(AuditRow.seq))[1:]
    assert len(rows) == PROCESSES * TURNS
    seen: dict[str, int] = {}
    for row in rows:
        known = {name: seen[name] for name in row.after if name in seen}
        assert row.before == known, "each has seen the one before it"
        seen |= row.after
    assert service.ledger.verify() == Finding(PROCESSES * TURNS + 1, None)


def _change(config: dict[str, Any], public_id: str, name: str) -> None:
    service = Service(Settings.from_mapping(config))
    for turn in range(TURNS):
        service.credentials.change(
            operator(), Kind.KEYPAIR, ALICE, public_id, {"attributes": {name: turn}}
        )
