"""Each document leads on to the others, and no link leads nowhere."""

import re
from pathlib import Path

import pytest

from tests.documents.reading import DOCUMENTS
from tests.documents.reading import name_of
from tests.documents.reading import README
from tests.documents.reading import ROOT

_ALL = sorted({*DOCUMENTS, *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")})


def _links(document: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", document.read_text())


def _anchors(document: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}


@pytest.mark.parametrize("document", _ALL, ids=name_of)
def test_every_link_points_at_something(document: Path) -> None:
    inside = [link for link in _links(document) if "://" not in link]
    for link in inside:
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_the_readme_leads_to_every_document() -> None:
    linked = {(ROOT / link).resolve() for link in _links(README)}

    assert {*DOCUMENTS} - {README} <= linked
