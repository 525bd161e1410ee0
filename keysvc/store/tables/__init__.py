"""The tables. What is searched has an index; what is long text never has."""

from keysvc.store.tables.base import database
from keysvc.store.tables.base import Table
from keysvc.store.tables.credentials import CredentialRow
from keysvc.store.tables.ledger import AuditCheckpointRow
from keysvc.store.tables.ledger import AuditHeadRow
from keysvc.store.tables.ledger import AuditRow
from keysvc.store.tables.ledger import DeploymentRow
from keysvc.store.tables.ledger import RingKeyRow
from keysvc.store.tables.limits import FirstAnswerRow
from keysvc.store.tables.limits import RateRow
from keysvc.store.tables.limits import UsedSignatureRow
from keysvc.store.tables.people import OperatorRow
from keysvc.store.tables.people import ServiceAccountRow
from keysvc.store.tables.people import SessionRow

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

__all__ = [
    "AuditCheckpointRow",
    "AuditHeadRow",
    "AuditRow",
    "CredentialRow",
    "DeploymentRow",
    "FirstAnswerRow",
    "OperatorRow",
    "RateRow",
    "RingKeyRow",
    "ServiceAccountRow",
    "SessionRow",
    "TABLES",
    "Table",
    "UsedSignatureRow",
    "database",
]
