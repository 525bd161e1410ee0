"""The three families, as a client of each speaks to them."""

from collections.abc import Callable
from typing import Any
from typing import NamedTuple
from uuid import uuid4

from tests.service.servers import Pair
from tests.soak.line import basic
from tests.soak.line import Line

ACCOUNTS = "/api/v1/service_accounts"


class Made(NamedTuple):
    """A credential: its id, and its secret."""

    id: str
    secret: str


class Family(NamedTuple):
    """
    One owner's credentials.

    Args:
        owner: As the core's list names it.
        create: Method, path and body that make one.
        made: Reads the answer to that, and to a rotation.
        path: Of one of them.
        change: The method and body that change one.
        carried: How a secret is carried to forward auth.
        question: How a secret is asked about.
    """

    owner: str
    create: Callable[[], tuple[str, Any]]
    made: Callable[[Any], Made]
    path: Callable[[str], str]
    change: Callable[[dict[str, Any]], tuple[str, Any]]
    carried: Callable[[Made], str]
    question: Callable[[Made], dict[str, str]]


def families_of(line: Line, number: int) -> Family:
    """Return what client *number* works with: each family in turn."""
    return (_keypairs, _api_keys, _access_keys)[number % 3](line, number)


def _keypairs(line: Line, number: int) -> Family:
    root = f"/v2/admin/keypairs/user-{number}"

    def pair_of(made: Made) -> Pair:
        return made.id, made.secret

    return Family(
        owner=f"user:user-{number}",
        create=lambda: (f"{root}/create", {"props": {"scopes": ["verify"]}}),
        made=lambda said: Made(said["accessKey"], said["secretKey"]),
        path=lambda id_: f"{root}/{id_}",
        change=lambda fields: ("PATCH", {"props": _renamed(fields, active="isActive")}),
        carried=lambda made: basic(pair_of(made)),
        question=lambda made: {"accessKey": made.id, "secretKey": made.secret},
    )


def _api_keys(line: Line, number: int) -> Family:
    account = {"name": f"account-{number}", "active": True}
    id_ = line.insist("POST", ACCOUNTS, account).json["id"]
    root = f"{ACCOUNTS}/{id_}/api_keys"
    return Family(
        owner=f"service_account:{id_}",
        create=lambda: (root, {"name": f"key-{uuid4()}", "scopes": ["verify"]}),
        made=lambda said: Made(said["id"], said["body"]["key"]),
        path=lambda key: f"{root}/{key}",
        change=lambda fields: ("PUT", fields),
        **_TOKENS,
    )


def _access_keys(line: Line, number: int) -> Family:
    root = f"/organizations/organization-{number}/access-keys"
    new = {"name": "soak", "description": "for a while", "scopes": ["verify"]}
    return Family(
        owner=f"organization:organization-{number}",
        create=lambda: (root, new),
        made=lambda said: Made(said["accessKey"]["id"], said["token"]),
        path=lambda id_: f"{root}/{id_}",
        change=lambda fields: ("PATCH", fields),
        **_TOKENS,
    )


_TOKENS: dict[str, Any] = {
    "carried": lambda made: f"Bearer {made.secret}",
    "question": lambda made: {"token": made.secret},
}


def _renamed(fields: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in fields.items()}
