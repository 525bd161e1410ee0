"""Create the table of request signatures that were used up."""

import peewee

from keysvc.store.fields import UtcDateTimeField


def up(migrator, db):  # type: ignore[no-untyped-def]
    class UsedSignature(peewee.Model):
        signature = peewee.CharField(max_length=64, primary_key=True)
        until = UtcDateTimeField(index=True)

        class Meta:
            database = db
            table_name = "keysvc_used_signature"

    db.create_tables([UsedSignature])


def down(migrator, db):  # type: ignore[no-untyped-def]
    migrator.migrate(migrator.drop_table("keysvc_used_signature"))
