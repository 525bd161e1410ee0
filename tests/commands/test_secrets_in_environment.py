"""``keysvc secrets`` where the ring is in a variable, which nothing can change."""

import json
from typing import Any

from tests.commands.conftest import Run
from tests.conftest import RING


def test_rotate_says_how_to_do_it_by_hand(run: Run) -> None:
    done = run("secrets", "rotate")

    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "KEYSVC_SECRET_KEYS" in done.stderr
    assert "a new key goes first" in done.stderr
    assert RING not in done.output


def test_the_ring_stays_as_it_was(run: Run) -> None:
    before = _listed(run)
    run("secrets", "rotate")

    assert _listed(run) == before


def _listed(run: Run) -> Any:
    return json.loads(run("secrets", "list", "--json").stdout)
