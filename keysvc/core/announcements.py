"""What the core lets others hear, once it is so."""

from typing import Any
from typing import Protocol

from keysvc.model import Code
from keysvc.model import Entry


class Listener(Protocol):
    """Who hears of it; nothing that it does may harm what has happened already."""

    def changed(self, entry: Entry) -> None:
        """Hear of a change of state, after it was committed."""

    def refused(self, code: Code, principal: Any) -> None:
        """Hear of a refused verification; *principal* is None unless it has proven."""


class Silence:
    """Nobody hears."""

    def changed(self, entry: Entry) -> None:
        """Do nothing."""

    def refused(self, code: Code, principal: Any) -> None:
        """Do nothing."""


SILENCE = Silence()
