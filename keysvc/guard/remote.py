"""A keysvc elsewhere, asked over HTTP: ``POST /v1/verify``."""

import logging
import os
from base64 import b64encode
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson

from keysvc.auth.refusals import retry_after
from keysvc.config import Settings
from keysvc.core.access import is_loopback
from keysvc.core.announcements import Listener
from keysvc.core.announcements import SILENCE
from keysvc.core.clock import utcnow
from keysvc.core.verification.presented import Pair
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.presented import Token
from keysvc.core.verification.signing import METHOD
from keysvc.core.verification.signing import Signed
from keysvc.errors import MalformedCredential
from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.guard.judge import Finding
from keysvc.model import Charge
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.model import Verdict

log = logging.getLogger(__name__)

_AWAY = "keysvc cannot be asked now."

#: Connections that are kept; more are opened when more threads ask at once.
_KEPT = 20


class Told(NamedTuple):
    """What another keysvc has told of a credential."""

    principal_kind: str
    principal_id: str
    owner: Owner
    name: str
    scopes: tuple[str, ...]
    role_ids: tuple[str, ...]
    expires_at: datetime | None


class Remote:
    """
    A judge that asks the keysvc at ``KEYSVC_URL``, each time.

    Nothing is remembered, so that a revocation counts here as soon as it does there.
    Only a connection that could not be made is tried again, once: what was sent may
    have been counted.

    Raises:
        Misconfigured: If urllib3 is not installed.
    """

    def __init__(self, settings: Settings, listener: Listener = SILENCE) -> None:
        try:
            import urllib3
        except ImportError:
            raise Misconfigured(
                "KEYSVC_URL needs urllib3: `pip install 'keysvc[remote]'`."
            ) from None
        self._urllib3, self._settings = urllib3, settings
        self.listener = listener
        if urlsplit(settings.url).scheme == "http" and not _is_near(settings.url):
            log.warning("KEYSVC_URL is no https: credentials go there in clear")
        self._path = f"{urlsplit(settings.url).path.rstrip('/')}/v1/verify"
        self._pool, self._pid = self._connect(), os.getpid()

    def judge(self, presented: Presented, demands: Demands) -> Finding:
        """
        Say whether what is presented is good for what is demanded.

        Raises:
            MalformedCredential: If it cannot be a credential at all.
            Unavailable: If keysvc does not answer, or not what it is asked.
        """
        finding = _finding_of(self._ask(_question_of(presented, demands)))
        if finding.code is not Code.VALID:
            self.listener.refused(finding.code, finding.known)
        return finding

    def _ask(self, question: dict[str, Any]) -> Any:
        if self._pid != os.getpid():
            # A fork's connections are its parent's.
            self._pool, self._pid = self._connect(), os.getpid()
        body = orjson.dumps(question)
        try:
            try:
                answer = self._pool.request("POST", self._path, body=body)
            except self._urllib3.exceptions.NewConnectionError:
                # Refused at once, so nothing was sent: a restart takes no longer.
                answer = self._pool.request("POST", self._path, body=body)
        except self._urllib3.exceptions.HTTPError as error:
            # Its class alone: its words hold the request.
            log.warning("keysvc cannot be asked: %s", type(error).__name__)
            raise Unavailable(_AWAY) from None
        if answer.status == 422 and _blames_what_was_presented(answer.data):
            raise MalformedCredential("keysvc cannot read this credential.")
        if answer.status != 200:
            log.error("keysvc does not answer this service: %d", answer.status)
            raise Unavailable(_AWAY)
        return answer.data

    def _connect(self) -> Any:
        settings, urllib3 = self._settings, self._urllib3
        return urllib3.connection_from_url(
            settings.url,
            maxsize=_KEPT,
            timeout=urllib3.Timeout(settings.url_timeout),
            retries=False,
            headers={
                "Authorization": f"Bearer {settings.token}",
                "Content-Type": "application/json",
                "User-Agent": "keysvc",
            },
        )


def _question_of(presented: Presented, demands: Demands) -> dict[str, Any]:
    """Return the body of ``POST /v1/verify``."""
    # Only what is demanded: an older keysvc need not know of what is new.
    question: dict[str, Any] = {"ip": _address(demands.address), "cost": demands.cost}
    if demands.scopes:
        question["scopes"] = demands.scopes
    if demands.kinds:
        question["kinds"] = demands.kinds
    if isinstance(presented, Token):
        return question | {"token": presented.text}
    if isinstance(presented, Pair):
        pair = {"accessKey": presented.access_key, "secretKey": presented.secret_key}
        return question | pair
    return question | {"signed": _signed(presented)}


def _signed(request: Signed) -> dict[str, Any]:
    credential = f"{request.access_key}:{request.signature}"
    return {
        "method": request.method,
        "target": request.target,
        "headers": {
            "Authorization": f"BackendAI signMethod={METHOD}, credential={credential}",
            "Date": request.date,
            "Host": request.host,
            "Content-Type": request.content_type,
            request.version_line: request.version,
        },
        "body": b64encode(request.body).decode(),
    }


def _is_near(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or is_loopback(host)


def _address(text: str | None) -> str | None:
    """Return what may be told of an address: behind a Unix socket there is none."""
    try:
        return str(ip_address(text or ""))
    except ValueError:
        return None


def _blames_what_was_presented(data: bytes) -> bool:
    """Tell whether a refused question is the fault of whose credential it is about."""
    try:
        named = {name.partition(".")[0] for name in orjson.loads(data)["errors"]}
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return bool(named) and named <= {"token", "accessKey", "secretKey", "signed"}


def _finding_of(data: bytes) -> Finding:
    try:
        said = orjson.loads(data)
        code = Code(said["code"])
        if (code is Code.VALID) is not said["valid"]:
            raise ValueError
        reset_at = said["resetAt"] and datetime.fromisoformat(said["resetAt"])
        refusal = Verdict(code, charge=Charge(code, reset_at=reset_at))
        return Finding(code, _known(said), retry_after(refusal, utcnow()))
    except (KeyError, TypeError, ValueError):
        log.error("what answers at KEYSVC_URL is no keysvc")
        raise Unavailable(_AWAY) from None


def _known(said: dict[str, Any]) -> Told | None:
    if said["id"] is None and not said["valid"]:
        return None
    expires_at = said["expiresAt"]
    return Told(
        said["kind"],
        said["id"],
        Owner(OwnerKind(said["owner"]["kind"]), said["owner"]["id"]),
        said["name"],
        tuple(said["scopes"]),
        tuple(said["roleIds"]),
        expires_at and datetime.fromisoformat(expires_at),
    )
