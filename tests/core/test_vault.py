"""What is kept of a secret: bound to its credential, and to a key of the ring."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from keysvc.config import Settings
from keysvc.core.secrets import ring as rings
from keysvc.core.secrets.ring import Ring
from keysvc.core.secrets.vault import Vault
from keysvc.core.service import Service
from keysvc.core.verification.presented import Pair
from keysvc.errors import Misconfigured
from keysvc.errors import Unavailable
from keysvc.errors import UnknownCredential
from keysvc.model import Issued
from keysvc.model import Origin
from keysvc.store.connection import reading
from keysvc.store.connection import writing
from keysvc.store.tables import CredentialRow
from tests.conftest import RING

ONE = UUID(int=1)
TWO = UUID(int=2)
SECRET = "K7MDENGbPxRfiCYEXAMPLEKEYwJalrXUtnFEMI00"
OLD = "o" * 32
NEW = "n" * 32


def vault_of(*keys: str) -> Vault:
    """Return a vault whose ring never changes."""
    return Vault(lambda: Ring(key.encode() for key in keys))


@pytest.fixture
def vault() -> Vault:
    return vault_of(NEW, OLD)


# -- digests ------------------------------------------------------------------------


def test_a_digest_proves_one_secret_of_one_credential(vault: Vault) -> None:
    kept = vault.protect(ONE, SECRET, sealed=False)

    assert vault.matches(ONE, SECRET, kept.digest, kept.digest_key)
    assert not vault.matches(TWO, SECRET, kept.digest, kept.digest_key)
    assert not vault.matches(ONE, SECRET[:-1], kept.digest, kept.digest_key)
    assert not vault.matches(ONE, SECRET.lower(), kept.digest, kept.digest_key)
    assert not vault.matches(ONE, "", kept.digest, kept.digest_key)
    assert not vault.matches(ONE, SECRET, "", kept.digest_key)
    assert (kept.sealed, kept.sealed_key) == (None, None)


def test_a_digest_is_of_one_key(vault: Vault) -> None:
    new, old = vault.ring.ids
    digest = vault.digest(ONE, SECRET, old)

    assert vault.matches(ONE, SECRET, digest, old)
    assert not vault.matches(ONE, SECRET, digest, new)


def test_the_newest_key_makes(vault: Vault) -> None:
    kept = vault.protect(ONE, SECRET, sealed=True)

    assert {kept.digest_key, kept.sealed_key} == {vault.ring.ids[0]}


@pytest.mark.parametrize("secret", ["", "\0", "é", "\ud800", "x" * 10_000])
def test_odd_secrets_are_only_wrong(vault: Vault, secret: str) -> None:
    kept = vault.protect(ONE, SECRET, sealed=False)

    assert not vault.matches(ONE, secret, kept.digest, kept.digest_key)


def test_rows_that_were_swapped_verify_nobody(
    service: Service, issue: Callable[..., Issued]
) -> None:
    mine, theirs = issue("mallory"), issue("alice")
    kept = ("digest", "digest_key", "sealed", "sealed_key")
    with writing():
        rows = {
            issued.credential.id: CredentialRow.get_by_id(issued.credential.id)
            for issued in (mine, theirs)
        }
        for issued, other in ((mine, theirs), (theirs, mine)):
            row = rows[other.credential.id]
            CredentialRow.update({name: getattr(row, name) for name in kept}).where(
                CredentialRow.id == issued.credential.id
            ).execute()

    for public_id in (mine.credential.public_id, theirs.credential.public_id):
        for secret in (mine.secret, theirs.secret):
            with pytest.raises(UnknownCredential):
                service.verifier.admit(Pair(public_id, secret), Origin())


# -- seals --------------------------------------------------------------------------


def test_a_sealed_secret_is_read_again(vault: Vault) -> None:
    kept = vault.protect(ONE, SECRET, sealed=True)

    assert kept.sealed and kept.sealed_key
    assert vault.unseal(ONE, kept.sealed, kept.sealed_key) == SECRET


def test_a_seal_belongs_to_one_credential(vault: Vault) -> None:
    kept = vault.protect(ONE, SECRET, sealed=True)

    assert kept.sealed and kept.sealed_key
    with pytest.raises(Unavailable, match="another credential"):
        vault.unseal(TWO, kept.sealed, kept.sealed_key)


def test_no_two_seals_are_alike(vault: Vault) -> None:
    seals = {vault.protect(ONE, SECRET, sealed=True).sealed for _ in range(10)}
    assert len(seals) == 10


@pytest.mark.parametrize(
    "broken",
    [
        lambda sealed: "",
        lambda sealed: "gAAAA",
        lambda sealed: sealed[:-4],
        lambda sealed: sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:],
        lambda sealed: "é" + sealed,
    ],
)
def test_a_tampered_seal(vault: Vault, broken: Callable[[str], str]) -> None:
    sealed = vault.protect(ONE, SECRET, sealed=True).sealed
    assert sealed

    with pytest.raises(Unavailable) as caught:
        vault.unseal(ONE, broken(sealed), vault.ring.maker)

    assert SECRET not in str(caught.value)


def test_a_seal_of_another_key(vault: Vault) -> None:
    new, old = vault.ring.ids

    assert new == vault.ring.maker
    sealed = vault.protect(ONE, SECRET, sealed=True).sealed

    with pytest.raises(Unavailable):
        vault.unseal(ONE, sealed or "", old)


# -- the ring behind it ---------------------------------------------------------------


def test_a_ring_is_read_at_first_use() -> None:
    def fail() -> Ring:
        raise Misconfigured("no ring")

    vault = Vault(fail)

    with pytest.raises(Misconfigured):
        vault.protect(ONE, SECRET, sealed=False)


def test_a_key_that_nobody_has(vault: Vault) -> None:
    with pytest.raises(Unavailable, match="0123456789abcdef"):
        vault.digest(ONE, SECRET, "0123456789abcdef")


def test_a_running_process_follows_a_rotated_file(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    rings.create(settings.ring_file)
    running = Vault(lambda: rings.load(settings))
    before = running.protect(ONE, SECRET, sealed=True)

    rings.rewrite(settings, running.ring.with_new())
    other = Vault(lambda: rings.load(settings))
    after = other.protect(ONE, SECRET, sealed=True)

    assert after.digest_key != before.digest_key
    assert after.sealed and after.sealed_key
    assert running.matches(ONE, SECRET, after.digest, after.digest_key)
    assert running.unseal(ONE, after.sealed, after.sealed_key) == SECRET
    assert running.matches(ONE, SECRET, before.digest, before.digest_key)
    assert running.protect(ONE, SECRET, sealed=False) == other.protect(
        ONE, SECRET, sealed=False
    )


def test_what_is_made_is_made_with_the_file_as_it_is_now(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    rings.create(settings.ring_file)
    running = Vault(lambda: rings.load(settings))
    running.protect(ONE, SECRET, sealed=True)

    rings.rewrite(settings, f"{NEW}\n{OLD}\n")

    kept = running.protect(ONE, SECRET, sealed=True)
    assert kept.digest_key == kept.sealed_key == vault_of(NEW).ring.maker


def test_page_token_keys_come_oldest_first() -> None:
    keys = vault_of(NEW, OLD).page_token_keys()

    assert keys == [*vault_of(OLD).page_token_keys(), *vault_of(NEW).page_token_keys()]
    assert len(set(keys)) == 2


# -- shown --------------------------------------------------------------------------


def test_nothing_shows_a_secret(vault: Vault) -> None:
    kept = vault.protect(ONE, SECRET, sealed=True)

    # Digest and seal are useless without the ring; the secret itself is not there.
    shown = repr(vault) + str(vault) + repr(kept) + str(kept)

    assert SECRET not in shown
    assert NEW not in shown and OLD not in shown


def test_an_issued_credential_does_not_show_its_secret(
    issue: Callable[..., Issued],
) -> None:
    issued = issue()

    assert issued.secret not in repr(issued) + str(issued) + repr(issued.credential)


def test_no_column_holds_a_secret_in_clear(
    service: Service, issue: Callable[..., Issued]
) -> None:
    issued = issue()

    with reading():
        row = CredentialRow.get_by_id(issued.credential.id)
        columns = repr(row.__data__)

    assert row.digest in columns
    assert issued.secret not in columns
    assert RING not in columns
