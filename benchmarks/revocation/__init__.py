"""How long what was revoked is still let in."""
