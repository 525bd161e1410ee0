"""Somebody else was shown a credential, and asks whether it is good."""

from collections.abc import Sequence

from keysvc.core import access
from keysvc.core.verification.verifier import Question
from keysvc.core.verification.verifier import Verifier
from keysvc.model import Caller
from keysvc.model import Owner
from keysvc.model import Verdict


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
        presented, demands = question
        realm = _realm_of(caller)
        return self._verifier.judge(presented, demands._replace(realm=realm))

    def ask_all(self, caller: Caller, questions: Sequence[Question]) -> list[Verdict]:
        """Answer up to 100 questions, in order; raises as ``ask`` does."""
        realm = _realm_of(caller)
        return self._verifier.judge_all(
            [
                (presented, demands._replace(realm=realm))
                for presented, demands in questions
            ]
        )


def _realm_of(caller: Caller) -> Owner | None:
    """Return what *caller*, if he may ask at all, may learn of; None for everything."""
    access.require_scope(caller, "verify")
    return access.realm_of(caller)
