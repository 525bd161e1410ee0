"""Credentials of any family: one table."""

import peewee

from keysvc.store.fields import JsonTextField
from keysvc.store.fields import UtcDateTimeField
from keysvc.store.tables.base import Table


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
    retained_sealed = peewee.TextField(null=True)
    retained_sealed_key = peewee.CharField(max_length=16, null=True)

    class Meta:
        table_name = "keysvc_credential"
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


CredentialRow.add_index(
    CredentialRow.index(
        CredentialRow.created_at, CredentialRow.id, name="keysvc_credential_age"
    )
)
CredentialRow.add_index(
    CredentialRow.index(
        CredentialRow.created_by_kind,
        CredentialRow.created_by_id,
        name="keysvc_credential_maker",
    )
)
