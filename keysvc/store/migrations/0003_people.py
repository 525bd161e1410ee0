"""Create service accounts, operators and sessions; let secrets be rotated."""

from uuid import uuid4

import peewee

from keysvc.store.fields import JsonTextField
from keysvc.store.fields import UtcDateTimeField

#: Nullable, so that the workers of the release before go on adding rows.
_NEW_COLUMNS = {
    "name_folded": peewee.CharField(max_length=1024, null=True),
    "description_folded": peewee.TextField(null=True),
    "generation": peewee.IntegerField(null=True),
    "retained_digest": peewee.CharField(max_length=64, null=True),
    "retained_key": peewee.CharField(max_length=16, null=True),
    "retained_until": UtcDateTimeField(null=True),
    "retained_used_at": UtcDateTimeField(null=True),
    "retain_minutes": peewee.IntegerField(null=True),
    "rotated_at": UtcDateTimeField(null=True),
    "last_login_at": UtcDateTimeField(null=True),
}

_TABLES = (
    "keysvc_service_account",
    "keysvc_operator",
    "keysvc_session",
    "keysvc_rate",
    "keysvc_first_answer",
    "keysvc_deployment",
)

#: Text that lists are ordered by sorts by code point on PostgreSQL too.
_SORTED = ("name VARCHAR(255)", "id VARCHAR(36)", "description TEXT")


def up(migrator, db):  # type: ignore[no-untyped-def]
    class ServiceAccount(peewee.Model):
        id = peewee.CharField(max_length=36, primary_key=True)
        name = peewee.CharField(max_length=255, unique=True)
        name_folded = peewee.CharField(max_length=1024)
        description = peewee.TextField()
        description_folded = peewee.TextField()
        full_name = peewee.TextField()
        is_active = peewee.BooleanField()
        external_user_id = peewee.CharField(max_length=36, null=True)
        created_at = UtcDateTimeField()
        updated_at = UtcDateTimeField()
        created_by_kind = peewee.CharField(max_length=16)
        created_by_id = peewee.CharField(max_length=255)

        class Meta:
            database = db
            table_name = "keysvc_service_account"
            indexes = ((("created_at", "id"), False),)

    class Operator(peewee.Model):
        id = peewee.CharField(max_length=36, primary_key=True)
        name = peewee.CharField(max_length=255, unique=True)
        password = peewee.CharField(max_length=60)
        scopes = JsonTextField()
        is_active = peewee.BooleanField()
        generation = peewee.IntegerField()
        created_at = UtcDateTimeField()
        updated_at = UtcDateTimeField()
        password_changed_at = UtcDateTimeField()

        class Meta:
            database = db
            table_name = "keysvc_operator"

    class Session(peewee.Model):
        id = peewee.CharField(max_length=36, primary_key=True)
        public_id = peewee.CharField(max_length=64, unique=True)
        digest = peewee.CharField(max_length=64)
        digest_key = peewee.CharField(max_length=16)
        operator_id = peewee.CharField(max_length=36, null=True, index=True)
        credential_id = peewee.UUIDField(null=True, index=True)
        generation = peewee.IntegerField()
        created_at = UtcDateTimeField()
        expires_at = UtcDateTimeField(index=True)

        class Meta:
            database = db
            table_name = "keysvc_session"

    class Rate(peewee.Model):
        subject = peewee.CharField(max_length=128, primary_key=True)
        arrival = peewee.DoubleField(index=True)

        class Meta:
            database = db
            table_name = "keysvc_rate"

    class FirstAnswer(peewee.Model):
        key_hash = peewee.CharField(max_length=64, primary_key=True)
        request_hash = peewee.CharField(max_length=64)
        sealed = peewee.TextField()
        until = UtcDateTimeField(index=True)

        class Meta:
            database = db
            table_name = "keysvc_first_answer"

    class Deployment(peewee.Model):
        id = peewee.CharField(max_length=36, primary_key=True)

        class Meta:
            database = db
            table_name = "keysvc_deployment"

    migrator.migrate(
        *(
            migrator.add_column("keysvc_credential", name, field)
            for name, field in _NEW_COLUMNS.items()
        )
    )
    db.execute_sql(
        "CREATE UNIQUE INDEX keysvc_api_key_name"
        " ON keysvc_credential (owner_id, name) WHERE kind = 'api_key'"
    )
    db.create_tables([ServiceAccount, Operator, Session, Rate, FirstAnswer, Deployment])
    Deployment.create(id=str(uuid4()))
    if isinstance(db, peewee.PostgresqlDatabase):
        for column in _SORTED:
            name, _, kind = column.partition(" ")
            db.execute_sql(
                f"ALTER TABLE keysvc_service_account ALTER COLUMN {name}"
                f' TYPE {kind} COLLATE "C"'
            )
        db.execute_sql(
            "ALTER TABLE keysvc_credential ALTER COLUMN description"
            ' TYPE TEXT COLLATE "C"'
        )


def down(migrator, db):  # type: ignore[no-untyped-def]
    db.execute_sql("DROP INDEX keysvc_api_key_name")
    for table in _TABLES:
        migrator.migrate(migrator.drop_table(table))
    migrator.migrate(
        *(migrator.drop_column("keysvc_credential", name) for name in _NEW_COLUMNS)
    )
