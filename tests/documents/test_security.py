"""docs/security.md: every promise names the tests that hold it, and they are there."""

import re

import pytest

from tests.documents.reading import ROOT

SHOWN = (ROOT / "docs" / "security.md").read_text()

_TEST = re.compile(r"`(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)`")

#: What is promised, and what is not: each an item of a list.
PROMISES = re.split(r"(?m)^- ", SHOWN)[1:]


@pytest.mark.parametrize("file, name", sorted(set(_TEST.findall(SHOWN))))
def test_a_test_that_is_named_is_there(file: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / file).read_text()


def test_every_promise_names_a_test() -> None:
    promised = [item for item in PROMISES if not item.startswith("**Not promised:**")]
    assert [item for item in promised if not _TEST.search(item)] == []
    assert len(promised) > 20


def test_each_threat_has_a_promise() -> None:
    threats = SHOWN.split("\n## ")[1:]
    assert all("\n- " in threat for threat in threats)
    assert len(threats) > 10
