"""Retain the sealed secret too; find credentials of all families by age and maker."""

_ADDED = ("retained_sealed TEXT", "retained_sealed_key VARCHAR(16)")

_INDEXES = {
    "keysvc_credential_age": "created_at, id",
    "keysvc_credential_maker": "created_by_kind, created_by_id",
}


def up(migrator, db):  # type: ignore[no-untyped-def]
    for column in _ADDED:
        db.execute_sql(f"ALTER TABLE keysvc_credential ADD COLUMN {column}")
    for name, columns in _INDEXES.items():
        db.execute_sql(f"CREATE INDEX {name} ON keysvc_credential ({columns})")


def down(migrator, db):  # type: ignore[no-untyped-def]
    for name in _INDEXES:
        db.execute_sql(f"DROP INDEX {name}")
    for column in _ADDED:
        name = column.partition(" ")[0]
        migrator.migrate(migrator.drop_column("keysvc_credential", name))
