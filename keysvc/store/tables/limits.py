"""What is counted, or must not come again, for a while."""

import peewee

from keysvc.store.fields import UtcDateTimeField
from keysvc.store.tables.base import Table


class RateRow(Table):
    """How much of a limit was used: GCRA's theoretical arrival time, Unix seconds."""

    subject = peewee.CharField(max_length=128, primary_key=True)
    arrival = peewee.DoubleField(index=True)

    class Meta:
        table_name = "keysvc_rate"


class FirstAnswerRow(Table):
    """What the first request with an idempotency key was answered, sealed."""

    key_hash = peewee.CharField(max_length=64, primary_key=True)
    request_hash = peewee.CharField(max_length=64)
    sealed = peewee.TextField()
    until = UtcDateTimeField(index=True)

    class Meta:
        table_name = "keysvc_first_answer"


class UsedSignatureRow(Table):
    """A request signature that must not come again before its time is over."""

    signature = peewee.CharField(max_length=64, primary_key=True)
    until = UtcDateTimeField(index=True)

    class Meta:
        table_name = "keysvc_used_signature"
