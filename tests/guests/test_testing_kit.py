"""The kit for the tests of hosts."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask

from keysvc import create_app
from keysvc import KeyService
from keysvc.core.service import Service
from keysvc.errors import Misconfigured
from keysvc.guard import current_credential
from keysvc.guard import require_key
from keysvc.testing import client_with_key
from keysvc.testing import issue_key
from keysvc.testing import key_store
from keysvc.testing import revoke_key


def make_shop(settings: dict[str, Any]) -> Flask:
    """Return somebody's application, made by a factory like everybody's."""
    shop = Flask("shop")
    shop.config.update(settings)
    KeyService(shop, url_prefix="/keys")

    @shop.get("/jobs")
    @require_key(scopes=["jobs:read"])
    def jobs() -> dict[str, str]:
        return {"kind": current_credential.kind, "of": current_credential.owner.id}

    return shop


@pytest.fixture
def shop() -> Iterator[Flask]:
    with key_store() as settings:
        yield make_shop(settings)


@pytest.mark.parametrize("kind", ["api_key", "keypair", "access_key"])
def test_a_client_with_a_key_gets_in(shop: Flask, kind: str) -> None:
    client = client_with_key(shop, kind, scopes=["jobs:*"])
    assert (client.get("/jobs").json or {})["kind"] == kind
    assert client_with_key(shop, kind).get("/jobs").status_code == 403
    assert shop.test_client().get("/jobs").status_code == 401


def test_a_key_can_be_revoked(shop: Flask) -> None:
    key = issue_key(shop, scopes=["jobs:read"])
    client = client_with_key(shop, key=key)
    assert client.get("/jobs").status_code == 200
    revoke_key(shop, key)
    assert client.get("/jobs").status_code == 401


def test_all_of_keysvc_is_there(shop: Flask) -> None:
    admin = client_with_key(shop, "keypair", scopes=["*"])
    made = admin.post("/keys/v2/admin/keypairs/alice/create", json={"props": {}})
    assert made.status_code == 200
    assert shop.test_client().get("/keys/readyz").json == {"status": "ok"}
    service: Service = shop.extensions["keysvc"]
    assert service.ledger.verify().flaw is None


def test_threads_share_the_store(shop: Flask) -> None:
    statuses = []

    def create() -> None:
        for _ in range(5):
            key = client_with_key(shop, scopes=["jobs:read"], owner="one")
            statuses.append(key.get("/jobs").status_code)

    client_with_key(shop, owner="one")
    threads = [Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20


def test_a_store_is_gone_with_its_test() -> None:
    with key_store() as settings:
        key = issue_key(make_shop(settings), scopes=["jobs:read"])
    with key_store() as settings:
        assert client_with_key(make_shop(settings), key=key).get("/jobs").status == (
            "401 UNAUTHORIZED"
        )


def test_one_at_a_time(shop: Flask, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured), key_store():
        pass
    with pytest.raises(Misconfigured):
        create_app({"KEYSVC_DATABASE_URL": f"sqlite:///{tmp_path}/other.db"})
    assert client_with_key(shop, scopes=["*"]).get("/jobs").status_code == 200


def test_the_environment_is_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYSVC_URL", "https://keys.example.com")
    monkeypatch.setenv("KEYSVC_SECRET_KEYS_FILE", "/nowhere")
    with key_store(KEYSVC_API_KEY_PREFIX="shop") as settings:
        assert issue_key(make_shop(settings)).secret.startswith("shop_")


def test_nothing_else_can_be_kept_in_memory(shop: Flask) -> None:
    done = shop.test_cli_runner().invoke(args=["keysvc", "init"])
    assert done.exit_code == 1
    assert "keysvc.testing" in done.output
