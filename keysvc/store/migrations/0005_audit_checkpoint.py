"""Create the table of where the audit begins, once its oldest part was purged."""

import peewee

from keysvc.store.fields import UtcDateTimeField


def up(migrator, db):  # type: ignore[no-untyped-def]
    class AuditCheckpoint(peewee.Model):
        id = peewee.IntegerField(primary_key=True)
        seq = peewee.BigIntegerField()
        mac = peewee.CharField(max_length=64)
        at = UtcDateTimeField()
        key_id = peewee.CharField(max_length=16)
        seal = peewee.CharField(max_length=64)

        class Meta:
            database = db
            table_name = "keysvc_audit_checkpoint"

    db.create_tables([AuditCheckpoint])


def down(migrator, db):  # type: ignore[no-untyped-def]
    migrator.migrate(migrator.drop_table("keysvc_audit_checkpoint"))
