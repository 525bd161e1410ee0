"""The ring of secret keys: how it is read, kept and derived from."""

import os
import stat
from pathlib import Path

import pytest

from keysvc.config import Settings
from keysvc.core.secrets import ring as rings
from keysvc.core.secrets.ring import Purpose
from keysvc.core.secrets.ring import Ring
from keysvc.errors import Misconfigured

A = "a" * 32
B = "b" * 32
C = "c" * 32


def ids(*keys: str) -> tuple[str, ...]:
    """Return the ids of *keys*."""
    return Ring(key.encode() for key in keys).ids


# -- read ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (A, (A,)),
        (f"{A},{B}", (A, B)),
        (f"{B},{A}", (B, A)),
        (f"{A}\n{B}\n", (A, B)),
        (f"{A}\r\n{B}\r\n", (A, B)),
        (f" {A} , {B}\t,\n\n,{C} ", (A, B, C)),
        (f"{A},{A}", (A,)),
        (f"{A} with a space", (f"{A} with a space",)),
        ("ключ" * 4, ("ключ" * 4,)),
    ],
)
def test_keys_stand_between_commas_or_line_ends(
    text: str, keys: tuple[str, ...]
) -> None:
    assert rings.parse(text, "here").ids == ids(*keys)


@pytest.mark.parametrize(
    "text",
    ["", " ", ",", "\n,\n", "a" * 31, f"{A},short", f"short,{A}", "é" * 15],
)
def test_a_ring_of_less_is_none(text: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        rings.parse(text, "KEYSVC_SECRET_KEYS")

    assert "KEYSVC_SECRET_KEYS" in str(caught.value)
    assert "32 bytes" in str(caught.value)
    assert "short" not in str(caught.value), "no key is in the message"


def test_bytes_count_not_characters() -> None:
    assert rings.parse("é" * 16, "here").ids


def test_the_ring_of_a_variable(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, secret_keys=f"{A},{B}")

    assert rings.exists(settings)
    assert rings.load(settings).ids == ids(A, B)


def test_the_ring_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere"
    path.write_text(f"{A}\n{B}\n")
    settings = Settings(home=tmp_path, secret_keys_file=str(path))

    assert rings.exists(settings)
    assert rings.load(settings).ids == ids(A, B)


def test_without_any_setting_the_ring_is_at_home(tmp_path: Path) -> None:
    rings.create(tmp_path / "secret-keys")

    assert len(rings.load(Settings(home=tmp_path)).ids) == 1


def test_no_ring_at_all(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    assert not rings.exists(settings)
    with pytest.raises(Misconfigured) as caught:
        rings.load(settings)

    for word in (str(tmp_path / "secret-keys"), "KEYSVC_SECRET_KEYS", "keysvc init"):
        assert word in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40])
def test_a_file_without_a_ring_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret-keys"
    path.write_bytes(content)

    with pytest.raises(Misconfigured, match="secret-keys"):
        rings.load(Settings(home=tmp_path))


def test_a_directory_is_no_ring(tmp_path: Path) -> None:
    (tmp_path / "secret-keys").mkdir()

    with pytest.raises(Misconfigured, match="cannot be read"):
        rings.load(Settings(home=tmp_path))


def test_two_places_for_one_ring_are_one_too_many() -> None:
    with pytest.raises(Misconfigured, match="KEYSVC_SECRET_KEYS_FILE"):
        Settings(secret_keys=A, secret_keys_file="/etc/keys")


# -- kept ---------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_reads_a_new_ring(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret-keys"
    before = os.umask(0)
    try:
        rings.create(path)
    finally:
        os.umask(before)

    assert mode(path) == 0o600
    assert len(path.read_text().strip()) == 64


def test_a_ring_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "secret-keys"
    rings.create(path)
    kept = path.read_text()

    with pytest.raises(FileExistsError):
        rings.create(path)

    assert path.read_text() == kept


def test_a_rewritten_ring_is_whole_and_private(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    rings.create(settings.ring_file)
    old = rings.load(settings)
    before = os.umask(0)
    try:
        rings.rewrite(settings, old.with_new())
    finally:
        os.umask(before)
    new = rings.load(settings)

    assert new.ids[1:] == old.ids
    assert new.maker not in old.ids
    assert mode(settings.ring_file) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret-keys"]


def test_a_rewrite_that_was_cut_short_does_not_matter(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    rings.create(settings.ring_file)
    half = tmp_path / "secret-keys.new"
    half.write_text("half a k")

    rings.rewrite(settings, f"{A}\n")

    assert rings.load(settings).ids == ids(A)
    assert mode(settings.ring_file) == 0o600


def test_a_variable_is_not_rewritten(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, secret_keys=A)

    with pytest.raises(Misconfigured, match="KEYSVC_SECRET_KEYS") as caught:
        rings.rewrite(settings, f"{B}\n")

    assert A not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_key_leaves_the_text_and_no_other_does() -> None:
    ring = rings.parse(f"{A},{B},{C}", "here")
    _, middle, _ = ring.ids

    assert rings.parse(ring.without(middle), "here").ids == ids(A, C)
    assert rings.parse(ring.without("0" * 16), "here").ids == ids(A, B, C)


def test_new_keys_differ_and_are_long() -> None:
    keys = {rings.new_key() for _ in range(100)}

    assert len(keys) == 100
    assert {len(key) for key in keys} == {64}


# -- derived ------------------------------------------------------------------------


def test_ids_are_stable() -> None:
    # HKDF-SHA-256 by hand; what was made years ago keeps the id of its key.
    assert ids(A, B) == ("34c564c017d0aeda", "610f7558034f880e")


def test_derived_keys_are_stable() -> None:
    ring = rings.parse(A, "here")

    derived = ring.derive(Purpose.PEPPER, ring.maker)

    assert derived is not None
    assert derived.hex() == (
        "79b59883a2a0537709fba8e9c87e6d87b09e12daa7d812b3f371be5adc7c2c7a"
    )


def test_each_purpose_and_each_key_derives_another() -> None:
    ring = rings.parse(f"{A},{B}", "here")

    found = [ring.derive(purpose, key) for purpose in Purpose for key in ring.ids]

    assert None not in found
    assert len(set(found)) == 2 * len(Purpose)
    assert {len(key or b"") for key in found} == {32}


def test_an_id_tells_nothing_of_a_derived_key() -> None:
    ring = rings.parse(A, "here")
    derived = [ring.derive(purpose, ring.maker) for purpose in Purpose]

    assert len(ring.maker) == 16
    assert not [key for key in derived if key and ring.maker in key.hex()]


def test_a_key_that_is_not_here_derives_nothing() -> None:
    assert rings.parse(A, "here").derive(Purpose.SEAL, "0" * 16) is None


def test_the_first_key_makes() -> None:
    assert rings.parse(f"{B},{A}", "here").maker == ids(B)[0]


# -- shown --------------------------------------------------------------------------


def test_nothing_shows_a_key() -> None:
    ring = rings.parse(A, "here")
    settings = Settings(secret_keys=A, database_url="postgresql://u:geheim@h/n")

    assert A not in repr(ring) + str(ring)
    assert A not in repr(settings) + str(settings)
    assert "geheim" not in repr(settings) + str(settings)
