"""Tokens that were found where they should not be."""

from typing import NamedTuple

from keysvc.model.principals import Code
from keysvc.model.principals import Principal


class Leak(NamedTuple):
    """
    What a token that has leaked was found to be, and whether it was ended now.

    *principal* is told only of a token whose secret is right: with ``UNKNOWN`` it is
    None.
    """

    code: Code
    principal: Principal | None
    revoked: bool = False
