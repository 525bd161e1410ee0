"""Keep the signatures that were used up."""

from datetime import datetime

from keysvc.store.tables import UsedSignatureRow


def add(signature: str, until: datetime) -> bool:
    """Keep *signature*; tell whether it is new."""
    inserted = (
        UsedSignatureRow.insert(signature=signature, until=until)
        .on_conflict_ignore()
        .as_rowcount()
        .execute()
    )
    return bool(inserted)


def purge(now: datetime) -> None:
    """Forget the signatures whose time is over."""
    UsedSignatureRow.delete().where(UsedSignatureRow.until < now).execute()
