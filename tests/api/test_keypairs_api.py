from tests.conftest import Client

USER = "/v2/admin/keypairs/u1"


def test_a_created_keypair_is_listed_without_its_secret(admin: Client) -> None:
    created = admin.post(f"{USER}/create", json={})
    assert created.status_code == 200
    assert created.json is not None
    assert set(created.json) == {"accessKey", "secretKey"}

    listed = admin.report(USER, json={})

    assert listed.status_code == 200
    assert listed.json is not None
    assert listed.json["paging"] == {"pages": 1, "count": 1}
    assert listed.json["items"][0]["accessKey"] == created.json["accessKey"]
    assert created.json["secretKey"] not in listed.text
