"""``keysvc …``, in any application that holds keysvc: ``flask keysvc …``."""

from keysvc.commands.access_keys import access_keys
from keysvc.commands.audit import audit
from keysvc.commands.credentials import deactivate
from keysvc.commands.credentials import rotate
from keysvc.commands.credentials import stale
from keysvc.commands.group import commands
from keysvc.commands.init import init
from keysvc.commands.init import migrate
from keysvc.commands.keypairs import keypairs
from keysvc.commands.moving import backup
from keysvc.commands.moving import copy
from keysvc.commands.moving import restore
from keysvc.commands.operators import operators
from keysvc.commands.operators import sessions
from keysvc.commands.scan import scan
from keysvc.commands.secrets import secrets
from keysvc.commands.serve import serve
from keysvc.commands.service_accounts import api_keys
from keysvc.commands.service_accounts import service_accounts

for command in (
    init,
    serve,
    migrate,
    keypairs,
    service_accounts,
    api_keys,
    access_keys,
    rotate,
    stale,
    deactivate,
    operators,
    sessions,
    secrets,
    audit,
    copy,
    backup,
    restore,
    scan,
):
    commands.add_command(command)

__all__ = ["commands"]
