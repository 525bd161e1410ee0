"""Each example, standing for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.proxies.stages import Stage
from tests.proxies.stages import STAGES
from tests.proxies.stages import standing


@pytest.fixture(scope="module", params=STAGES)
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Return an example that stands; the test runs for each."""
    with standing(STAGES[request.param], tmp_path_factory.mktemp("stage")) as stage:
        yield stage
