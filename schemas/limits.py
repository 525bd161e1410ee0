"""What every family lets a credential be bounded by."""

from keysvc.schemas.base import Schema
from keysvc.schemas.fields import Moment
from keysvc.schemas.fields import Networks
from keysvc.schemas.fields import Scopes
from keysvc.schemas.fields import StrictInteger

#: Minutes that a rotation may keep the old secret good: a year.
MAX_GRACE = 525600


class LimitsSchema(Schema):
    """
    Scopes, addresses, an end, a rate and a quota; each family spells them its way.

    Null clears those whose absence means something.
    """

    expires_at = Moment(allow_none=True)
    scopes = Scopes()
    allowed_ips = Networks()
    rate_limit = StrictInteger(allow_none=True)
    remaining = StrictInteger(allow_none=True)
