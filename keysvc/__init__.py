"""Issue, verify, rotate and revoke API credentials."""

from keysvc.extension import KeyService
from keysvc.factory import create_app

__all__ = ["KeyService", "create_app"]
