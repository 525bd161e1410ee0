"""The tables. What is searched has an index; what is long text never has."""

import re

import peewee

from keysvc.store.fields import JsonTextField
from keysvc.store.fields import UtcDateTimeField

database = peewee.DatabaseProxy()


def _name(table: type[peewee.Model]) -> str:
    words = re.findall("[A-Z][a-z]+", table.__name__.removesuffix("Row"))
    return "_".join(["keysvc", *words]).lower()


class Table(peewee.Model):
    """Base of all tables: ``FooBarRow`` is kept in ``keysvc_foo_bar``."""

    class Meta:
        database = database
        table_function = _name


class CredentialRow(Table):
    """One credential of any family."""

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
    # Null in the rows of releases that did not know them.
    name_folded = peewee.CharField(max_length=1024, null=True)
    description_folded = peewee.TextField(null=True)
    generation = peewee.IntegerField(null=True)
    retained_digest = peewee.CharField(max_length=64, null=True)
    retained_key = peewee.CharField(max_length=16, null=True)
    retained_until = UtcDateTimeField(null=True)
    retained_used_at = UtcDateTimeField(null=True)
    retain_minutes = peewee.IntegerField(null=True)
    rotated_at = UtcDateTimeField(null=True)
    last_login_at = UtcDateTimeField(null=True)

    class Meta:
        indexes = (
            (("kind", "owner_kind", "owner_id", "created_at", "public_id"), False),
        )


# The names of one family only are unique, and only among those of one owner.
CredentialRow.add_index(
    CredentialRow.index(
        CredentialRow.owner_id,
        CredentialRow.name,
        unique=True,
        where=peewee.SQL("kind = 'api_key'"),
        name="keysvc_api_key_name",
    )
)

# Lists that are read by their keys, whatever lies before.
CredentialRow.add_index(
    CredentialRow.index(
        CredentialRow.kind,
        CredentialRow.owner_kind,
        CredentialRow.owner_id,
        CredentialRow.created_at,
        CredentialRow.id,
        name="keysvc_credential_created",
    )
)


class ServiceAccountRow(Table):
    """A program that owns API keys. Its id is text, as it stands in ``owner_id``."""

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
        indexes = ((("created_at", "id"), False),)


class OperatorRow(Table):
    """A person who logs in; of the password only its bcrypt hash is kept."""

    id = peewee.CharField(max_length=36, primary_key=True)
    name = peewee.CharField(max_length=255, unique=True)
    password = peewee.CharField(max_length=60)
    scopes = JsonTextField()
    is_active = peewee.BooleanField()
    generation = peewee.IntegerField()
    created_at = UtcDateTimeField()
    updated_at = UtcDateTimeField()
    password_changed_at = UtcDateTimeField()


class SessionRow(Table):
    """A login: whose, and the digest of its token."""

    id = peewee.CharField(max_length=36, primary_key=True)
    public_id = peewee.CharField(max_length=64, unique=True)
    digest = peewee.CharField(max_length=64)
    digest_key = peewee.CharField(max_length=16)
    operator_id = peewee.CharField(max_length=36, null=True, index=True)
    credential_id = peewee.UUIDField(null=True, index=True)
    generation = peewee.IntegerField()
    created_at = UtcDateTimeField()
    expires_at = UtcDateTimeField(index=True)


class RateRow(Table):
    """How much of a limit was used: GCRA's theoretical arrival time, Unix seconds."""

    subject = peewee.CharField(max_length=128, primary_key=True)
    arrival = peewee.DoubleField(index=True)


class FirstAnswerRow(Table):
    """What the first request with an idempotency key was answered, sealed."""

    key_hash = peewee.CharField(max_length=64, primary_key=True)
    request_hash = peewee.CharField(max_length=64)
    sealed = peewee.TextField()
    until = UtcDateTimeField(index=True)


class DeploymentRow(Table):
    """The one row that says which deployment this database is."""

    id = peewee.CharField(max_length=36, primary_key=True)


class AuditRow(Table):
    """One record of the audit's chain."""

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
        indexes = ((("owner_kind", "owner_id", "seq"), False),)


class AuditHeadRow(Table):
    """The one row that writers of the chain take in turn."""

    id = peewee.IntegerField(primary_key=True)
    seq = peewee.BigIntegerField()
    mac = peewee.CharField(max_length=64)


class AuditCheckpointRow(Table):
    """The one row that says where the audit begins, once its oldest part is purged."""

    id = peewee.IntegerField(primary_key=True)
    seq = peewee.BigIntegerField()
    mac = peewee.CharField(max_length=64)
    at = UtcDateTimeField()
    key_id = peewee.CharField(max_length=16)
    seal = peewee.CharField(max_length=64)


class RingKeyRow(Table):
    """A key of the ring that something here was made with: the ring's fingerprint."""

    key_id = peewee.CharField(max_length=16, primary_key=True)
    first_used_at = UtcDateTimeField()
    dropped_at = UtcDateTimeField(null=True)
    audit_key = peewee.TextField(null=True)
    audit_key_sealed_by = peewee.CharField(max_length=16, null=True)


class UsedSignatureRow(Table):
    """A request signature that must not come again before its time is over."""

    signature = peewee.CharField(max_length=64, primary_key=True)
    until = UtcDateTimeField(index=True)


TABLES = (
    CredentialRow,
    AuditRow,
    AuditHeadRow,
    AuditCheckpointRow,
    RingKeyRow,
    UsedSignatureRow,
    ServiceAccountRow,
    OperatorRow,
    SessionRow,
    RateRow,
    FirstAnswerRow,
    DeploymentRow,
)
