"""Who says whether a credential is good: the verifier here, or a keysvc elsewhere."""

from datetime import datetime
from typing import NamedTuple
from typing import Protocol

from keysvc.core.announcements import Listener
from keysvc.core.verification.presented import Presented
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.model import Owner
from keysvc.model import Verdict


class Known(Protocol):
    """What a verification tells of a credential that is good, wherever it was asked."""

    @property
    def principal_kind(self) -> str: ...

    @property
    def principal_id(self) -> str: ...

    @property
    def owner(self) -> Owner: ...

    @property
    def name(self) -> str: ...

    @property
    def scopes(self) -> tuple[str, ...]: ...

    @property
    def role_ids(self) -> tuple[str, ...]: ...

    @property
    def expires_at(self) -> datetime | None: ...


class Finding(NamedTuple):
    """
    What a guard was answered.

    *known* is None with ``UNKNOWN``; *retry_after* are seconds, where they are known;
    *verdict* is what the verifier of this process has said, if that was asked.
    """

    code: Code
    known: Known | None = None
    retry_after: int | None = None
    verdict: Verdict | None = None


class Judge(Protocol):
    """Who says whether a credential is good."""

    @property
    def listener(self) -> Listener:
        """Who hears of refusals."""

    def judge(self, presented: Presented, demands: Demands) -> Finding:
        """Say whether what is presented is good for what is demanded."""
