"""Somebody else was shown a credential, and asks whether it is good."""

from collections.abc import Sequence

from keysvc.core import access
from keysvc.core.verification.presented import Presented
from keysvc.core.verification.verifier import Verifier
from keysvc.model import Caller
from keysvc.model import Demands
from keysvc.model import Owner
from keysvc.model import Verdict

Question = tuple[Presented, Demands]


class Inquiries:
    """The verifier, for callers who ask of others' credentials."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def ask(self, caller: Caller, question: Question) -> Verdict:
        """
        Say whether what was presented is good; of a foreign realm, that it is unknown.

        Raises:
            Forbidden: If the caller lacks the scope ``verify``.
            MalformedCredential: If a signed request has a date or version that is none.
            Unavailable: If the database cannot be asked.
        """
        return self.ask_all(caller, [question])[0]

    def ask_all(self, caller: Caller, questions: Sequence[Question]) -> list[Verdict]:
        """Answer up to 100 questions, in order; raises as ``ask`` does."""
        access.require_scope(caller, "verify")
        realm = _realm_of(caller)
        asked = [
            (presented, demands._replace(realm=realm))
            for presented, demands in questions
        ]
        return self._verifier.judge_all(asked)


def _realm_of(caller: Caller) -> Owner | None:
    """Return what the caller may learn of; None for everything."""
    return None if access.covers(caller.scopes, access.ANY_REALM) else caller.owner
