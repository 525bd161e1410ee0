"""Which deployment this database is."""

from keysvc.store.tables import DeploymentRow


def deployment_id() -> str:
    """Return the id that the database was given when it was made."""
    return DeploymentRow.select().get().id
