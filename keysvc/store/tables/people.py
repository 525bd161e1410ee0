"""Who logs in, and what programs are."""

import peewee

from keysvc.store.fields import JsonTextField
from keysvc.store.fields import UtcDateTimeField
from keysvc.store.tables.base import Table


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
        table_name = "keysvc_service_account"
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

    class Meta:
        table_name = "keysvc_operator"


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

    class Meta:
        table_name = "keysvc_session"
