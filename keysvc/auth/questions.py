"""Read what somebody else was presented, and asks about."""

from typing import Any

from keysvc.auth.backendai import backendai
from keysvc.core.verification import signing
from keysvc.core.verification.presented import Pair
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.presented import Token
from keysvc.core.verification.verifier import Question
from keysvc.errors import Invalid
from keysvc.errors import MalformedCredential
from keysvc.model import Demands


def question_of(asked: dict[str, Any], path: str = "") -> Question:
    """
    Return what *asked* presents and demands, as ``QuestionSchema`` has read it.

    Args:
        path: Where it stands in the body, for errors.

    Raises:
        Invalid: If a signed request carries no signature that can be read, or a date
            or a version that is none.
    """
    ip = asked["ip"]
    demands = Demands(
        None if ip is None else str(ip),
        asked["scopes"],
        asked["cost"],
        kinds=tuple(asked["kinds"]),
    )
    return _presented(asked, path), demands


def _presented(asked: dict[str, Any], path: str) -> Presented:
    if "token" in asked:
        return Token(asked["token"])
    if "access_key" in asked:
        return Pair(asked["access_key"], asked["secret_key"])
    try:
        return _signed(asked["signed"])
    except MalformedCredential as error:
        field = f"{path}signed"
        raise Invalid(f"{field}: {error}", {field: [str(error)]}) from None


def _signed(request: dict[str, Any]) -> Presented:
    environ = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in request["headers"].items()
    }
    signed = backendai(
        environ
        | {
            "REQUEST_METHOD": request["method"],
            "RAW_URI": request["target"],
            "CONTENT_TYPE": environ.get("HTTP_CONTENT_TYPE", ""),
            "keysvc.body": request["body"],
        }
    )
    if signed is None:
        raise MalformedCredential(
            "Its headers hold no Authorization of the scheme BackendAI."
        )
    signing.read_date(signed.date)
    signing.read_version(signed.version)
    return signed
