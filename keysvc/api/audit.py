"""The audit log: ``/v1/audit``."""

from keysvc.api import examples
from keysvc.api.blueprint import FamilyBlueprint
from keysvc.api.shapes import CORE
from keysvc.auth.chain import authenticated
from keysvc.current import caller
from keysvc.current import service
from keysvc.model import Cut
from keysvc.model import Keyset
from keysvc.model import Record
from keysvc.schemas.audit import AuditPageSchema
from keysvc.schemas.audit import AuditQuerySchema

blp = FamilyBlueprint("keysvc-audit", "/v1/audit", CORE, authenticated)


@blp.route("", methods=["GET"])
@blp.arguments(AuditQuerySchema, location="query")
@blp.response(200, AuditPageSchema, example=examples.AUDIT_PAGE)
def list_audit(keyset: Keyset) -> Cut[Record]:
    """List changes of state, oldest first."""
    return service.ledger.page(caller, keyset)
