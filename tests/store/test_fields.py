"""Columns hold the same thing on both engines."""

from datetime import datetime
from datetime import timedelta
from datetime import timezone
from datetime import UTC
from typing import Any

import peewee
import pytest

from keysvc.store.connection import connect
from keysvc.store.connection import disconnect
from keysvc.store.connection import is_postgres
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.fields import JsonTextField
from keysvc.store.fields import UtcDateTimeField
from keysvc.store.tables import database
from keysvc.store.tables import Table

SEOUL = timezone(timedelta(hours=9))
KATHMANDU = timezone(timedelta(hours=5, minutes=45))


class Sample(Table):
    """One value of each kind."""

    id = peewee.IntegerField(primary_key=True)
    at = UtcDateTimeField(null=True)
    content = JsonTextField(null=True)

    class Meta:
        table_name = "sample"


@pytest.fixture
def samples(bound_empty: str) -> None:
    with writing():
        database.create_tables([Sample])


MOMENTS = {
    "no fraction": datetime(2030, 1, 31, 12, tzinfo=UTC),
    "a microsecond": datetime(2030, 1, 31, 12, 0, 0, 1, tzinfo=UTC),
    "a last microsecond": datetime(2030, 1, 31, 12, 59, 59, 999999, tzinfo=UTC),
    "another zone": datetime(2030, 1, 1, 3, tzinfo=SEOUL),
    "minutes in its zone": datetime(2030, 1, 1, 3, tzinfo=KATHMANDU),
    "a leap day": datetime(2028, 2, 29, tzinfo=UTC),
    "before the epoch": datetime(1969, 12, 31, 23, 59, 59, 5, tzinfo=UTC),
    "the first": datetime.min.replace(tzinfo=UTC),
    "the last": datetime.max.replace(tzinfo=UTC),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_moment_comes_back_in_utc(samples: None, moment: datetime) -> None:
    with writing():
        Sample.create(id=1, at=moment)
        found = Sample.get().at
        counted = Sample.select().where(Sample.at == moment).count()

    assert found == moment
    assert found.tzinfo is UTC
    assert counted == 1


@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/Los_Angeles"])
@pytest.mark.parametrize("moment", [MOMENTS["the first"], MOMENTS["the last"]])
@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_a_server_elsewhere_tells_the_same_moment(
    bound_empty: str, zone: str, moment: datetime
) -> None:
    with reading():
        name = database.obj.database
        database.execute_sql(f"ALTER DATABASE {name} SET timezone = '{zone}'")
    disconnect()
    more = f"{'&' if '?' in bound_empty else '?'}options=-c work_mem=77MB"
    connect(bound_empty + more, pool_size=1, pool_timeout=5)
    with writing():
        database.create_tables([Sample])
        Sample.create(id=1, at=moment)
        found = Sample.get().at
        given = database.execute_sql("SHOW work_mem").fetchone()[0]

    assert found == moment
    assert given == "77MB", "the options of the URL count too"


def test_moments_sort_by_time_whatever_their_zone(samples: None) -> None:
    with writing():
        for number, moment in enumerate(MOMENTS.values()):
            Sample.create(id=number, at=moment)
        rows = [row.at for row in Sample.select().order_by(Sample.at)]

    assert rows == sorted(MOMENTS.values())


def test_a_moment_without_a_zone_is_refused(samples: None) -> None:
    with pytest.raises(ValueError, match="zone"), writing():
        Sample.create(id=1, at=datetime(2030, 1, 1))


DOCUMENTS: dict[str, Any] = {
    "an empty object": {},
    "an empty list": [],
    "a list of words": ["keypairs:read", "*"],
    "names in any order": {"b": 1, "a": {"d": None, "c": [True, False]}},
    "no ASCII": {"ключ": "鍵 🔑 é e\u0301 \u200d"},
    "quotes and slashes": {'"': "\\ / ' \" %s % ?"},
    "control characters": "\x01\t\n\r\x1f\x7f\u2028",
    "an escaped NUL": {"\0": "\0"},
    "large numbers": [2**63 - 1, -(2**63), 2**80, 1e308, 5e-324, 0.1],
    "text of JSON": '{"a": 1}',
    "a plain null": [None],
    "much": {"x": "y" * 100_000},
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_document_comes_back_as_it_was(samples: None, document: Any) -> None:
    with writing():
        Sample.create(id=1, content=document)
        found = Sample.get().content

    assert found == document
    assert type(found) is type(document)


def test_no_document_is_null(samples: None) -> None:
    with writing():
        Sample.create(id=1, content=None)
        Sample.create(id=2, at=None)
        row = Sample.get_by_id(1)

        assert Sample.select().where(Sample.content.is_null()).count() == 2
    assert (row.content, row.at) == (None, None)


def test_a_document_has_one_text(samples: None) -> None:
    with writing():
        Sample.create(id=1, content={"b": "é", "a": [1, 2]})
        text = database.execute_sql("SELECT content FROM sample").fetchone()[0]

    assert text == '{"a":[1,2],"b":"é"}'


WORDS = ["", " ", "-", "0", "A", "AB", "Z", "_", "a", "aB", "ab", "z", "é", "ß漢", "🔑"]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("keysvc_credential", "public_id"),
        ("keysvc_credential", "owner_id"),
        ("keysvc_credential", "name"),
        ("keysvc_audit", "owner_id"),
    ],
)
def test_text_sorts_by_code_point(bound: str, table: str, column: str) -> None:
    mark = "%s" if is_postgres() else "?"
    # The copy takes the column's collation along, and none of its rules.
    with writing():
        database.execute_sql(
            f"CREATE TEMPORARY TABLE copy AS SELECT {column} AS word FROM {table}"
        )
        for word in reversed(WORDS):
            database.execute_sql(f"INSERT INTO copy VALUES ({mark})", (word,))
        rows = database.execute_sql("SELECT word FROM copy ORDER BY word").fetchall()
        database.execute_sql("DROP TABLE copy")

    assert [word for (word,) in rows] == sorted(WORDS)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_the_servers_language_sorts_nothing(bound: str) -> None:
    with reading():
        rows = database.execute_sql(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND collation_name = 'C'"
        ).fetchall()

    assert set(rows) >= {
        ("keysvc_credential", "public_id"),
        ("keysvc_credential", "owner_id"),
        ("keysvc_credential", "name"),
        ("keysvc_audit", "owner_id"),
    }
