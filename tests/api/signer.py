"""A client that signs its requests: written from the contract, not from keysvc."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any

from werkzeug.test import TestResponse

from keysvc.model import Issued
from tests.conftest import Client

HOST = "localhost"
VERSION = "v6.20220315"


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Who signs, and how; each part can be told otherwise than it is signed."""

    access_key: str
    secret_key: str
    date: str
    scheme: str = "BackendAI"
    date_header: str = "Date"
    version: str = VERSION
    version_header: str = "X-BackendAI-Version"
    host: str = HOST
    content_type: str = "application/json"
    body_counts: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    def signature(self, method: str, target: str, body: bytes = b"") -> str:
        """Return the signature of a request, in hexadecimal."""
        media_type = self.content_type.partition(";")[0].strip().lower()
        text = "\n".join(
            [
                method,
                target,
                self.date,
                f"host:{self.host}",
                f"content-type:{media_type or 'application/octet-stream'}",
                f"{self.version_header.lower()}:{self.version}",
                sha256(body if self.body_counts else b"").hexdigest(),
            ]
        )
        day = _read(self.date).strftime("%Y%m%d").encode()
        key = hmac.digest(self.secret_key.encode(), day, "sha256")
        key = hmac.digest(key, self.host.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()

    def headers(self, method: str, target: str, body: bytes = b"") -> dict[str, str]:
        """Return what a signed request carries."""
        signature = self.signature(method, target, body)
        credential = f"{self.access_key}:{signature}"
        return {
            "Authorization": f"{self.scheme} signMethod=HMAC-SHA256,"
            f" credential={credential}",
            self.date_header: self.date,
            self.version_header: self.version,
            "Host": self.host,
            **({"Content-Type": self.content_type} if self.content_type else {}),
            **self.extra,
        }

    def send(
        self,
        client: Client,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        signed_as: str = "",
        **changed: str,
    ) -> TestResponse:
        """
        Send a request; *changed* headers (``X_Y`` for ``X-Y``) are not as signed.

        Args:
            signed_as: The target that is signed, where it is not the one that is sent.
        """
        headers = self.headers(method, signed_as or target, body)
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        return client.open(
            target,
            method=method,
            data=body,
            headers=headers,
            environ_overrides={"RAW_URI": target, "REQUEST_URI": target},
        )

    def but(self, **changed: Any) -> "Signer":
        """Return a signer that is different in this."""
        return replace(self, **changed)


def signer_of(issued: Issued, date: str) -> Signer:
    """Return a signer who holds *issued*."""
    return Signer(
        access_key=issued.credential.public_id, secret_key=issued.secret, date=date
    )


def _read(date: str) -> datetime:
    try:
        return datetime.fromisoformat(date)
    except ValueError:
        return parsedate_to_datetime(date)
