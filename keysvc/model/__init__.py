"""What the service talks about: plain values, free of HTTP and SQL."""

from keysvc.model.audit import Checkpoint
from keysvc.model.audit import Entry
from keysvc.model.audit import Head
from keysvc.model.audit import Record
from keysvc.model.audit import Trace
from keysvc.model.callers import Actor
from keysvc.model.callers import Caller
from keysvc.model.callers import Origin
from keysvc.model.callers import Owner
from keysvc.model.callers import OwnerKind
from keysvc.model.credentials import Brief
from keysvc.model.credentials import Change
from keysvc.model.credentials import Credential
from keysvc.model.credentials import Draft
from keysvc.model.credentials import Issued
from keysvc.model.credentials import Kind
from keysvc.model.leaks import Leak
from keysvc.model.pages import Condition
from keysvc.model.pages import Cut
from keysvc.model.pages import Keyset
from keysvc.model.pages import Listing
from keysvc.model.pages import Page
from keysvc.model.pages import Search
from keysvc.model.pages import Sort
from keysvc.model.pages import Window
from keysvc.model.people import AccountChange
from keysvc.model.people import AccountDraft
from keysvc.model.people import AccountKey
from keysvc.model.people import KeyLogin
from keysvc.model.people import Login
from keysvc.model.people import Operator
from keysvc.model.people import PasswordLogin
from keysvc.model.people import ServiceAccount
from keysvc.model.people import Session
from keysvc.model.principals import Charge
from keysvc.model.principals import Code
from keysvc.model.principals import Demands
from keysvc.model.principals import KINDS
from keysvc.model.principals import Principal
from keysvc.model.principals import Proof
from keysvc.model.principals import SESSION
from keysvc.model.principals import Stored
from keysvc.model.principals import StoredOperator
from keysvc.model.principals import StoredSession
from keysvc.model.principals import Verdict
from keysvc.model.secrets import Renewed
from keysvc.model.secrets import Secret
from keysvc.model.secrets import Use

__all__ = [
    "AccountChange",
    "AccountDraft",
    "AccountKey",
    "Actor",
    "Brief",
    "Caller",
    "Change",
    "Charge",
    "Checkpoint",
    "Code",
    "Condition",
    "Credential",
    "Cut",
    "Demands",
    "Draft",
    "Entry",
    "Head",
    "Issued",
    "KINDS",
    "KeyLogin",
    "Keyset",
    "Kind",
    "Leak",
    "Listing",
    "Login",
    "Operator",
    "Origin",
    "Owner",
    "OwnerKind",
    "Page",
    "PasswordLogin",
    "Principal",
    "Proof",
    "Record",
    "Renewed",
    "SESSION",
    "Search",
    "Secret",
    "SESSION",
    "ServiceAccount",
    "Session",
    "Sort",
    "Stored",
    "StoredOperator",
    "StoredSession",
    "Trace",
    "Use",
    "Verdict",
    "Window",
]
