"""
Everything that can go wrong, by meaning.

* KeysvcError
  - Invalid            what was asked breaks a rule; names the fields
    . Malformed        it could not even be read
      MalformedPath    its path could be read in two ways, or in none
  - Unauthenticated    the caller could not be established
    . MalformedCredential
    . UnknownCredential
    . InactiveCredential
    . ExpiredCredential
    . UsedSignature
  - Forbidden          the caller is known, and may not do this
    . AddressNotAllowed
    . IllegalOperation  nobody may do this
  - NotFound
  - Conflict
  - RateLimited        too often; says when to come again
  - Unavailable        the store, or the ring, cannot be asked now
  - Misconfigured      a setting, the ring or the database keeps keysvc from starting

None of them knows an HTTP status: ``keysvc.api.errors`` holds that table. What an
error says is for the caller to read, and never holds a secret.
"""

from collections.abc import Mapping


class KeysvcError(Exception):
    """Superclass of all keysvc exceptions. Never raised directly."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class Invalid(KeysvcError):
    """The request breaks a rule."""

    def __init__(
        self, message: str = "", fields: Mapping[str, list[str]] | None = None
    ) -> None:
        self.fields = dict(fields or {})
        super().__init__(message)


class Malformed(Invalid):
    """The request cannot be read."""


class MalformedPath(Malformed):
    """The path cannot be read."""


class Unauthenticated(KeysvcError):
    """The request carries no credential that is known here."""


class MalformedCredential(Unauthenticated):
    """The Authorization header cannot be read."""


class UnknownCredential(Unauthenticated):
    """No credential has this identifier and secret."""


class InactiveCredential(Unauthenticated):
    """The credential exists, and is switched off."""


class ExpiredCredential(Unauthenticated):
    """The credential exists, and its time has passed."""


class UsedSignature(Unauthenticated):
    """The signature is good, and was used before."""


class Forbidden(KeysvcError):
    """The caller may not do this."""


class AddressNotAllowed(Forbidden):
    """The credential may not be used from this address."""


class IllegalOperation(Forbidden):
    """This cannot be done to what was made by outside authentication."""


class NotFound(KeysvcError):
    """There is no such credential."""


class Conflict(KeysvcError):
    """The name is taken."""


class RateLimited(KeysvcError):
    """
    This was tried too often.

    Args:
        retry_after: Seconds until it may be tried again.
        limit: How often it may be tried in *window* seconds, if that may be told.
    """

    def __init__(
        self,
        message: str,
        retry_after: float,
        limit: int | None = None,
        window: int | None = None,
    ) -> None:
        self.retry_after, self.limit, self.window = retry_after, limit, window
        super().__init__(message)


class QuotaExceeded(KeysvcError):
    """The quota of this credential is used up."""


class Unavailable(KeysvcError):
    """The service cannot answer now."""


class Misconfigured(KeysvcError):
    """The service cannot start like this."""
