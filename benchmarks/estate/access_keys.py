"""One organization with very many access keys."""

from datetime import datetime
from datetime import timedelta

from benchmarks.estate.rows import insert
from benchmarks.estate.rows import Row
from benchmarks.estate.rows import row
from benchmarks.estate.rows import vault
from keysvc.config import Settings
from keysvc.core.clock import utcnow
from keysvc.core.lifecycle.minting import Mint
from keysvc.core.service import Service
from keysvc.model import Kind
from keysvc.model import Owner
from keysvc.model import OwnerKind

NAME = "acme"

#: How many of its keys ask; they are the newest.
_MANAGERS = 100

_SCOPES = ["access-keys:read", "access-keys:write"]


class AccessKeys:
    """
    Access keys of one organization, the oldest first, and those of its managers.

    Args:
        count: How many keys lie before those of the managers.
    """

    def __init__(self, count: int) -> None:
        self.tokens: list[str] = []
        self._mint, self._vault, now = Mint(Settings()), vault(), utcnow()
        managers = _MANAGERS if count else 0
        self._rows = [
            self._row(now - timedelta(seconds=count + managers - number))
            for number in range(count + managers)
        ]
        self.places = [(row["created_at"], row["id"]) for row in self._rows[:count]]
        self.tokens = self.tokens[count:]

    def fill(self, service: Service) -> None:
        """Put them into the database of *service*."""
        insert(self._rows)

    def _row(self, at: datetime) -> Row:
        minted = self._mint.issue(Kind.ACCESS_KEY)
        self.tokens.append(minted.shown)
        owner = Owner(OwnerKind.ORGANIZATION, NAME)
        made = row(Kind.ACCESS_KEY, owner, minted.public_id, minted.secret, self._vault)
        return made | {
            "name": "deploy",
            "description": "used by the pipeline",
            "scopes": _SCOPES,
            "attributes": {
                "suffix": minted.shown[-6:],
                "role_ids": [str(made["id"])],
            },
            "created_at": at,
            "updated_at": at,
        }
