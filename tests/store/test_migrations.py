"""What the migrations make is what the tables say."""

from pathlib import Path
from typing import Any

import peewee
import pytest
from playhouse import schema_diff

from keysvc.store import migrate
from keysvc.store.connection import connect
from keysvc.store.connection import is_postgres
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import AuditHeadRow
from keysvc.store.tables import database
from keysvc.store.tables import TABLES
from tests.store.processes import at_once

# Peewee's extensions have no types.
diff_models: Any = schema_diff.diff_models
_runner: Any = migrate._runner

DIRECTORY = Path(migrate.__file__).parent / "migrations"
MIGRATIONS = sorted(path.stem for path in DIRECTORY.glob("[0-9]*.py"))


def test_there_is_a_migration() -> None:
    assert MIGRATIONS


def test_the_migrated_database_lacks_nothing_and_has_nothing_more(bound: str) -> None:
    with reading():
        difference = diff_models(database.obj, TABLES)

    assert not difference, str(difference)


def test_the_migrated_columns_are_those_of_the_tables(bound_empty: str) -> None:
    migrate.migrate()
    migrated = _columns()
    with reading():
        database.drop_tables(TABLES)
        database.create_tables(TABLES)

    assert migrated == _columns()


@pytest.mark.parametrize("table", TABLES, ids=lambda t: str(t._meta.table_name))
def test_every_table_is_ours_by_its_name(table: Any) -> None:
    assert table._meta.table_name.startswith("keysvc_")


def test_the_chain_begins_at_nothing(bound: str) -> None:
    with reading():
        rows = list(AuditHeadRow.select().tuples())

    assert rows == [(1, 0, "0" * 64)]


def test_up_down_and_up_again(bound_empty: str) -> None:
    assert migrate.pending() == MIGRATIONS
    assert migrate.migrate() == MIGRATIONS
    first = _columns()

    with reading():
        assert _runner().down(MIGRATIONS[0]) == MIGRATIONS[::-1]
        assert database.get_tables() == ["keysvc_migration"]
    assert migrate.pending() == MIGRATIONS

    assert migrate.migrate() == MIGRATIONS
    assert migrate.pending() == []
    assert _columns() == first


def test_migrating_again_changes_nothing(bound: str) -> None:
    assert migrate.migrate() == []


def test_a_migration_that_fails_leaves_nothing(
    bound_empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise peewee.OperationalError("in the middle")

    monkeypatch.setattr(peewee.Model, "create", fail)
    with pytest.raises(peewee.OperationalError):
        _runner().up()
    monkeypatch.undo()

    assert migrate.pending() == MIGRATIONS
    assert migrate.migrate() == MIGRATIONS
    database.close()


def test_four_processes_migrate_an_empty_database_at_once(empty_url: str) -> None:
    results = at_once(_migrate, [(empty_url,)] * 4)

    assert sorted(results) == [[], [], [], MIGRATIONS]


def _migrate(url: str) -> list[str]:
    connect(url, pool_size=2, pool_timeout=5)
    with migrate.exclusive():
        return migrate.migrate()


def _columns() -> dict[str, Any]:
    """Return what is known of every column and index of our tables."""
    with writing():
        return {
            name: (
                sorted(
                    (c.name, c.data_type, c.null, c.primary_key)
                    for c in database.get_columns(name)
                ),
                sorted((i.columns, i.unique) for i in database.get_indexes(name)),
                _lengths(name),
            )
            for name in database.get_tables()
            if name != "keysvc_migration"
        }


def _lengths(table: str) -> list[tuple[str, int | None]]:
    """Return what PostgreSQL knows of a text's length; SQLite has it in the type."""
    if not is_postgres():
        return []
    cursor = database.execute_sql(
        "SELECT column_name, character_maximum_length"
        " FROM information_schema.columns WHERE table_name = %s ORDER BY 1",
        (table,),
    )
    return list(cursor.fetchall())
