"""The service under schemathesis and hypothesis, with its answers counted."""

import pytest
from flask import Flask

from tests.fuzz.contract import AsQuery
from tests.fuzz.contract import register_formats

register_formats()


@pytest.fixture
def as_query(app: Flask) -> AsQuery:
    """Return the application, behind the middleware that counts."""
    return AsQuery(app)
