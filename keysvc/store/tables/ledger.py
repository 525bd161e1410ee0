"""The audit, its head, and the keys that sign it."""

import peewee

from keysvc.store.fields import JsonTextField
from keysvc.store.fields import UtcDateTimeField
from keysvc.store.tables.base import Table


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
        table_name = "keysvc_audit"
        indexes = ((("owner_kind", "owner_id", "seq"), False),)


class AuditHeadRow(Table):
    """The one row that writers of the chain take in turn."""

    id = peewee.IntegerField(primary_key=True)
    seq = peewee.BigIntegerField()
    mac = peewee.CharField(max_length=64)

    class Meta:
        table_name = "keysvc_audit_head"


class AuditCheckpointRow(Table):
    """The one row that says where the audit begins, once its oldest part is purged."""

    id = peewee.IntegerField(primary_key=True)
    seq = peewee.BigIntegerField()
    mac = peewee.CharField(max_length=64)
    at = UtcDateTimeField()
    key_id = peewee.CharField(max_length=16)
    seal = peewee.CharField(max_length=64)

    class Meta:
        table_name = "keysvc_audit_checkpoint"


class RingKeyRow(Table):
    """A key of the ring that something here was made with: the ring's fingerprint."""

    key_id = peewee.CharField(max_length=16, primary_key=True)
    first_used_at = UtcDateTimeField()
    dropped_at = UtcDateTimeField(null=True)
    audit_key = peewee.TextField(null=True)
    audit_key_sealed_by = peewee.CharField(max_length=16, null=True)

    class Meta:
        table_name = "keysvc_ring_key"


class DeploymentRow(Table):
    """The one row that says which deployment this database is."""

    id = peewee.CharField(max_length=36, primary_key=True)

    class Meta:
        table_name = "keysvc_deployment"
