"""The vectors that Backend.AI's own client has computed, and dates in every format."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysvc.core.verification import signing
from keysvc.core.verification.signing import Signed
from keysvc.errors import MalformedCredential

_FILE = Path(__file__).parents[1] / "vectors" / "request-signing.json"
VECTORS = json.loads(_FILE.read_text())


def signed(vector: dict[str, Any]) -> Signed:
    return Signed(
        access_key=VECTORS["access_key"],
        signature=vector["signature"],
        method=vector["method"],
        effective=vector["method"],
        target=vector["rel_url"],
        date=vector["date"],
        host=vector["host"],
        content_type=vector["content_type"],
        version=vector["version"],
        version_line=vector.get("version_header", "x-backendai-version"),
        body=vector["body"].encode(),
    )


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda v: v["name"])
def test_every_vector_is_signed_like_the_original(vector: dict[str, Any]) -> None:
    date = signing.read_date(vector["date"])
    signature = signing.sign(VECTORS["secret_key"], signed(vector), date)
    assert signature == vector["signature"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02T03:04:05.678901+00:00", "2024-01-02T03:04:05.678901+00:00"),
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05+00:00"),
        ("2024-01-02T03:04:05", "2024-01-02T03:04:05+00:00"),
        ("2024-01-02T03:04:05+09:00", "2024-01-02T03:04:05+09:00"),
        ("20160930T01:23:45Z", "2016-09-30T01:23:45+00:00"),
        ("20160930T012345Z", "2016-09-30T01:23:45+00:00"),
        ("Fri, 30 Sep 2016 01:23:45 GMT", "2016-09-30T01:23:45+00:00"),
    ],
)
def test_dates_are_read_in_their_own_zone(text: str, moment: str) -> None:
    assert signing.read_date(text).isoformat() == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-01", "0001-01-01T00:00+14:00"]
)
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(MalformedCredential):
        signing.read_date(text)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_dates(text: str) -> None:
    try:
        moment = signing.read_date(text)
    except MalformedCredential:
        return
    assert isinstance(moment, datetime)
    assert moment.tzinfo is not None


@pytest.mark.parametrize("version", ["", "6.20220315", "v6", "v6.2022", "vx.20220315"])
def test_a_version_that_cannot_be_read_is_refused(version: str) -> None:
    request = signed(VECTORS["vectors"][0])._replace(version=version)
    with pytest.raises(MalformedCredential):
        signing.sign("secret", request, signing.read_date(request.date))


@pytest.mark.parametrize(
    ("version", "body_counts"),
    [
        ("v4.20181214", True),
        ("v4.20181215", False),
        ("v3.20990101", True),
        ("v10.20170101", False),
    ],
)
def test_the_body_is_signed_below_a_version(version: str, body_counts: bool) -> None:
    request = signed(VECTORS["vectors"][0])._replace(version=version)
    date = signing.read_date(request.date)
    one = signing.sign("secret", request._replace(body=b"1"), date)
    other = signing.sign("secret", request._replace(body=b"2"), date)
    assert (one != other) == body_counts
