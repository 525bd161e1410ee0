"""The verifier of this process, as a guard asks it."""

import logging

from keysvc.auth.refusals import retry_after
from keysvc.core.announcements import Listener
from keysvc.core.announcements import SILENCE
from keysvc.core.service import Service
from keysvc.core.verification.presented import Presented
from keysvc.errors import KeysvcError
from keysvc.errors import Unavailable
from keysvc.guard.judge import Finding
from keysvc.model import Code
from keysvc.model import Demands
from keysvc.traces import trace_of

log = logging.getLogger(__name__)


class Local:
    """A judge over the database of this process."""

    def __init__(self, service: Service, listener: Listener = SILENCE) -> None:
        self._service, self.listener = service, listener

    def judge(self, presented: Presented, demands: Demands) -> Finding:
        """
        Say whether what is presented is good for what is demanded.

        Raises:
            MalformedCredential: If the date or version of a signed request is none.
            Unavailable, Misconfigured: If the database cannot be asked, or is not ours.
        """
        try:
            self._service.ensure_ready()
            verdict = self._service.verifier.judge(presented, demands)
        except KeysvcError:
            raise
        except Exception as error:
            # The host's own log would quote what was presented.
            log.error("a verification has failed\n%s", trace_of(error))
            raise Unavailable from None
        if verdict.code is Code.VALID:
            return Finding(verdict.code, verdict.principal, verdict=verdict)
        seconds = retry_after(verdict, self._service.now())
        return Finding(verdict.code, verdict.principal, seconds)
