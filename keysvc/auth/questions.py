"""Read what somebody else was presented, and asks about."""

from typing import Any

from keysvc.auth.backendai import backendai
from keysvc.core.verification.inquiries import Question
from keysvc.core.verification.presented import Pair
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.presented import Token
from keysvc.errors import Invalid
from keysvc.errors import MalformedCredential
from keysvc.model import Demands


def question_of(asked: dict[str, Any]) -> Question:
    """
    Return what *asked* presents and demands, as ``QuestionSchema`` has read it.

    Raises:
        Invalid: If a signed request carries no signature that can be read.
    """
    ip = asked["ip"]
    demands = Demands(None if ip is None else str(ip), asked["scopes"], asked["cost"])
    return _presented(asked), demands


def _presented(asked: dict[str, Any]) -> Presented:
    if "token" in asked:
        return Token(asked["token"])
    if "access_key" in asked:
        return Pair(asked["access_key"], asked["secret_key"])
    return _signed(asked["signed"])


def _signed(request: dict[str, Any]) -> Presented:
    environ = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in request["headers"].items()
    }
    try:
        signed = backendai(
            environ
            | {
                "REQUEST_METHOD": request["method"],
                "RAW_URI": request["target"],
                "CONTENT_TYPE": environ.get("HTTP_CONTENT_TYPE", ""),
                "keysvc.body": request["body"],
            }
        )
    except MalformedCredential as error:
        raise Invalid(f"signed: {error}", {"signed": [str(error)]}) from None
    if signed is None:
        message = "Its headers hold no Authorization of the scheme BackendAI."
        raise Invalid(f"signed: {message}", {"signed": [message]})
    return signed
