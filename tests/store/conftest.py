"""The store alone, without any service above it."""

from collections.abc import Iterator

import pytest

from keysvc.store.connection import connect
from keysvc.store.connection import disconnect


@pytest.fixture
def bound(database_url: str) -> Iterator[str]:
    """Return the address of a migrated database, which this process is bound to."""
    connect(database_url, pool_size=5, pool_timeout=5)
    yield database_url
    disconnect()


@pytest.fixture
def bound_empty(empty_url: str) -> Iterator[str]:
    """Return the address of an empty database, which this process is bound to."""
    connect(empty_url, pool_size=5, pool_timeout=5)
    yield empty_url
    disconnect()
