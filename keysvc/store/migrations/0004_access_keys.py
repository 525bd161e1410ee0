"""Let credentials be listed by creation and id, part by part."""


def up(migrator, db):  # type: ignore[no-untyped-def]
    db.execute_sql(
        "CREATE INDEX keysvc_credential_created ON keysvc_credential"
        " (kind, owner_kind, owner_id, created_at, id)"
    )


def down(migrator, db):  # type: ignore[no-untyped-def]
    db.execute_sql("DROP INDEX keysvc_credential_created")
