"""Create the tables of credentials, audit and ring keys."""

import peewee

from keysvc.store.fields import JsonTextField
from keysvc.store.fields import UtcDateTimeField

#: Text that lists are ordered by sorts by code point on PostgreSQL too.
_SORTED = {
    "keysvc_credential": {"public_id": 64, "owner_id": 255, "name": 256},
    "keysvc_audit": {"owner_id": 255},
}


def up(migrator, db):  # type: ignore[no-untyped-def]
    class Credential(peewee.Model):
        id = peewee.UUIDField(primary_key=True)
        kind = peewee.CharField(max_length=16)
        owner_kind = peewee.CharField(max_length=16)
        owner_id = peewee.CharField(max_length=255)
        public_id = peewee.CharField(max_length=64, unique=True)
        name = peewee.CharField(max_length=256)
        description = peewee.TextField()
        is_active = peewee.BooleanField()
        scopes = JsonTextField()
        allowed_ips = JsonTextField()
        rate_limit = peewee.BigIntegerField(null=True)
        remaining = peewee.BigIntegerField(null=True)
        expires_at = UtcDateTimeField(null=True)
        attributes = JsonTextField()
        digest = peewee.CharField(max_length=64)
        digest_key = peewee.CharField(max_length=16)
        sealed = peewee.TextField(null=True)
        sealed_key = peewee.CharField(max_length=16, null=True)
        created_at = UtcDateTimeField()
        updated_at = UtcDateTimeField()
        created_by_kind = peewee.CharField(max_length=16)
        created_by_id = peewee.CharField(max_length=255)
        last_used_at = UtcDateTimeField(null=True)
        total_queries = peewee.BigIntegerField()

        class Meta:
            database = db
            table_name = "keysvc_credential"
            indexes = (
                (("kind", "owner_kind", "owner_id", "created_at", "public_id"), False),
            )

    class Audit(peewee.Model):
        seq = peewee.BigIntegerField(primary_key=True)
        at = UtcDateTimeField()
        actor_kind = peewee.CharField(max_length=16)
        actor_id = peewee.CharField(max_length=255)
        address = peewee.CharField(max_length=64, null=True)
        request_id = peewee.CharField(max_length=64, null=True)
        action = peewee.CharField(max_length=64)
        credential_id = peewee.CharField(max_length=64, null=True)
        owner_kind = peewee.CharField(max_length=16, null=True)
        owner_id = peewee.CharField(max_length=255, null=True)
        before = JsonTextField(null=True)
        after = JsonTextField(null=True)
        key_id = peewee.CharField(max_length=16)
        mac = peewee.CharField(max_length=64)

        class Meta:
            database = db
            table_name = "keysvc_audit"
            indexes = ((("owner_kind", "owner_id", "seq"), False),)

    class AuditHead(peewee.Model):
        id = peewee.IntegerField(primary_key=True)
        seq = peewee.BigIntegerField()
        mac = peewee.CharField(max_length=64)

        class Meta:
            database = db
            table_name = "keysvc_audit_head"

    class RingKey(peewee.Model):
        key_id = peewee.CharField(max_length=16, primary_key=True)
        first_used_at = UtcDateTimeField()
        dropped_at = UtcDateTimeField(null=True)
        audit_key = peewee.TextField(null=True)
        audit_key_sealed_by = peewee.CharField(max_length=16, null=True)

        class Meta:
            database = db
            table_name = "keysvc_ring_key"

    db.create_tables([Credential, Audit, AuditHead, RingKey])
    AuditHead.create(id=1, seq=0, mac="0" * 64)
    if isinstance(db, peewee.PostgresqlDatabase):
        for table, columns in _SORTED.items():
            for column, length in columns.items():
                db.execute_sql(
                    f"ALTER TABLE {table} ALTER COLUMN {column}"
                    f' TYPE VARCHAR({length}) COLLATE "C"'
                )


def down(migrator, db):  # type: ignore[no-untyped-def]
    for table in (
        "keysvc_ring_key",
        "keysvc_audit_head",
        "keysvc_audit",
        "keysvc_credential",
    ):
        migrator.migrate(migrator.drop_table(table))
