"""An estate of many credentials of each family."""

from collections.abc import Collection

from benchmarks.estate import rows
from benchmarks.estate.access_keys import AccessKeys
from benchmarks.estate.api_keys import ApiKeys
from benchmarks.estate.keypairs import Keypairs
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.store.connection import disconnect


class Estate:
    """
    The credentials of the families that are wanted, drawn at random: no cache cheats.

    Args:
        count: How many credentials the largest of each family's lists is made of.
    """

    def __init__(self, count: int, families: Collection[str]) -> None:
        self.keypairs = Keypairs(count if "keypairs" in families else 0)
        self.api_keys = ApiKeys(count if "api-keys" in families else 0)
        self.access_keys = AccessKeys(count if "access-keys" in families else 0)

    def fill(self, settings: Settings) -> None:
        """Make the database that *settings* name, and put everything into it."""
        service = Service(settings)
        try:
            service.installation.prepare()
            for family in (self.keypairs, self.api_keys, self.access_keys):
                family.fill(service)
            rows.settle()
        finally:
            finish_all()
            disconnect()
