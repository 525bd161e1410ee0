"""Change 20 keys of an account a second, as another process would, until stopped."""

import os
import random
import sys
import time

from keysvc.commands.group import operator
from keysvc.config import Settings
from keysvc.core.service import Service
from keysvc.model import Owner
from keysvc.model import OwnerKind
from keysvc.store.connection import reading
from keysvc.store.credentials import all_of

_RATE = 20


def main(account: str) -> None:
    """Change what belongs to *account*, in the database of the environment."""
    service = Service(Settings.from_mapping(os.environ))
    with reading():
        keys = all_of(Owner(OwnerKind.SERVICE_ACCOUNT, account))
    print("ready", flush=True)
    while True:
        began, key = time.monotonic(), random.choice(keys)
        service.credentials.change(
            operator(), key.kind, key.owner, str(key.id), {"description": str(began)}
        )
        time.sleep(max(0.0, 1 / _RATE - (time.monotonic() - began)))


if __name__ == "__main__":
    main(*sys.argv[1:])
