"""What the service talks about: plain values, free of HTTP and SQL."""

from keysvc.model.audit import Entry
from keysvc.model.audit import Record
from keysvc.model.callers import Actor
from keysvc.model.callers import Caller
from keysvc.model.callers import Origin
from keysvc.model.callers import Owner
from keysvc.model.callers import OwnerKind
from keysvc.model.credentials import Change
from keysvc.model.credentials import Credential
from keysvc.model.credentials import Draft
from keysvc.model.credentials import Issued
from keysvc.model.credentials import Kind
from keysvc.model.pages import Cut
from keysvc.model.pages import Page
from keysvc.model.pages import Window
from keysvc.model.secrets import Renewed
from keysvc.model.secrets import Secret
from keysvc.model.secrets import Stored
from keysvc.model.secrets import Use

__all__ = [
    "Actor",
    "Caller",
    "Change",
    "Credential",
    "Cut",
    "Draft",
    "Entry",
    "Issued",
    "Kind",
    "Origin",
    "Owner",
    "OwnerKind",
    "Page",
    "Record",
    "Renewed",
    "Secret",
    "Stored",
    "Use",
    "Window",
]
