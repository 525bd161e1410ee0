"""Settings: good and bad values, and who has the last word on them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from keysvc import create_app
from keysvc import KeyService
from keysvc.config import Settings
from keysvc.core.background import finish_all
from keysvc.core.service import Service
from keysvc.errors import Misconfigured
from keysvc.store.connection import disconnect
from tests.conftest import RING


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Have no setting in the environment, an empty directory, and no database."""
    for key in Settings().environment():
        monkeypatch.delenv(key, raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    finish_all()
    disconnect()


@pytest.mark.parametrize(
    ("key", "given", "read"),
    [
        ("HOME", "/srv/keys", Path("/srv/keys")),
        ("HOME", Path("/srv/keys"), Path("/srv/keys")),
        ("DATABASE_URL", "sqlite:////srv/k.db", "sqlite:////srv/k.db"),
        ("DATABASE_URL", "sqlite:///k.db", "sqlite:///k.db"),
        ("DATABASE_URL", "postgresql://u:p@h/n", "postgresql://u:p@h/n"),
        ("DATABASE_URL", "postgresql:///n?host=a,b", "postgresql:///n?host=a,b"),
        ("DATABASE_URL", "", ""),
        ("POOL_SIZE", "1", 1),
        ("POOL_SIZE", 7, 7),
        ("POOL_TIMEOUT", "0.5", 0.5),
        ("POOL_TIMEOUT", 3, 3.0),
        ("SECRET_KEYS", RING, RING),
        ("SECRET_KEYS_FILE", "/srv/ring", "/srv/ring"),
        ("CACHE_SIZE", "1", 1),
        ("FLUSH_INTERVAL", "86400", 86400.0),
        ("AUDIT_HEAD_INTERVAL", "1", 1.0),
        ("API_KEY_PREFIX", "acmeKey42", "acmeKey42"),
        ("SESSION_PREFIX", "s", "s"),
        ("SESSION_LIFETIME", "60", 60),
        ("AUDIT_RETENTION", "0", 0),
        ("AUDIT_RETENTION", "36500", 36500),
        ("LOGIN_FAILURES", "1", 1),
        ("PASSWORD_COST", "16", 16),
        ("FORWARDED", "x-forwarded", "x-forwarded"),
        ("FORWARDED", "x-original", "x-original"),
        ("FORWARDED", "", ""),
        ("TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::/32", "10.0.0.0/8, 2001:db8::/32"),
        ("TRUSTED_PROXIES", "10.0.0.1", "10.0.0.1"),
        ("TRUSTED_PROXIES", "", ""),
        ("ACCESS_LOG", "no", False),
        ("ACCESS_LOG", " Off ", False),
        ("ACCESS_LOG", "0", False),
        ("ACCESS_LOG", False, False),
        ("ACCESS_LOG", "yes", True),
        ("ACCESS_LOG", "TRUE", True),
        ("LOG_LEVEL", "ERROR", "ERROR"),
    ],
)
def test_a_good_value(key: str, given: object, read: object) -> None:
    settings = Settings.from_mapping({f"KEYSVC_{key}": given})

    assert getattr(settings, key.lower()) == read


BAD = [
    ("DATABASE_URL", "mysql://h/n"),
    ("DATABASE_URL", "postgres://h/n"),
    ("DATABASE_URL", "sqlite:keysvc.db"),
    ("DATABASE_URL", "sqlite://keysvc.db"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "sqlite:///?timeout=3"),
    ("DATABASE_URL", "postgresql://"),
    ("DATABASE_URL", "postgresql://h"),
    ("DATABASE_URL", "postgresql://h:port/n"),
    ("DATABASE_URL", "postgresql://[::1/n"),
    ("DATABASE_URL", "keysvc.db"),
    ("POOL_SIZE", "0"),
    ("POOL_SIZE", "-1"),
    ("POOL_SIZE", "2.5"),
    ("POOL_SIZE", "many"),
    ("POOL_SIZE", ""),
    ("POOL_TIMEOUT", "0"),
    ("POOL_TIMEOUT", "soon"),
    ("SECRET_KEYS", "short"),
    ("SECRET_KEYS", f"{RING},short"),
    ("SECRET_KEYS", ","),
    ("CACHE_SIZE", "0"),
    ("CACHE_SIZE", "-1"),
    ("CACHE_SIZE", "all"),
    ("FLUSH_INTERVAL", "0"),
    ("FLUSH_INTERVAL", "nan"),
    ("FLUSH_INTERVAL", "inf"),
    ("FLUSH_INTERVAL", "1e12"),
    ("FLUSH_INTERVAL", "5s"),
    ("AUDIT_HEAD_INTERVAL", "-1"),
    ("AUDIT_HEAD_INTERVAL", "inf"),
    ("API_KEY_PREFIX", ""),
    ("API_KEY_PREFIX", "a" * 13),
    ("API_KEY_PREFIX", "a_b"),
    ("API_KEY_PREFIX", "\u00e9"),
    ("SESSION_PREFIX", "a-b"),
    ("SESSION_PREFIX", "ksa"),
    ("SESSION_LIFETIME", "0"),
    ("SESSION_LIFETIME", "1e3"),
    ("SESSION_LIFETIME", "9" * 20),
    ("AUDIT_RETENTION", "-1"),
    ("AUDIT_RETENTION", "36501"),
    ("AUDIT_RETENTION", "1.5"),
    ("AUDIT_RETENTION", "365d"),
    ("LOGIN_FAILURES", "0"),
    ("LOGIN_FAILURES", "-1"),
    ("PASSWORD_COST", "3"),
    ("PASSWORD_COST", "17"),
    ("PASSWORD_COST", "dear"),
    ("FORWARDED", "X-Forwarded"),
    ("FORWARDED", "forwarded"),
    ("FORWARDED", "x-forwarded,x-original"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("TRUSTED_PROXIES", "proxy.example.org"),
    ("TRUSTED_PROXIES", "10.0.0.0/8;10.1.0.0/16"),
    ("TRUSTED_PROXIES", "10.0.0.0/33"),
    ("TRUSTED_PROXIES", " , "),
    ("TRUSTED_PROXIES", "*"),
    ("ACCESS_LOG", "maybe"),
    ("ACCESS_LOG", ""),
    ("LOG_LEVEL", "LOUD"),
    ("LOG_LEVEL", "info"),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_bad_value_stops_the_start_and_is_named(
    clean: None, sqlite_template: Path, key: str, value: object
) -> None:
    migrated = {"KEYSVC_DATABASE_URL": f"sqlite:///{sqlite_template}"}

    with pytest.raises(Misconfigured) as caught:
        create_app({**migrated, f"KEYSVC_{key}": value})

    said = str(caught.value)
    assert f"KEYSVC_{key}" in said
    assert said.endswith(".")
    assert "short" not in said


def test_what_is_none_in_the_config_is_as_good_as_absent(
    clean: None, sqlite_template: Path
) -> None:
    url = f"sqlite:///{sqlite_template}"
    app = create_app({"KEYSVC_DATABASE_URL": url, "KEYSVC_SECRET_KEYS_FILE": None})
    assert app.extensions["keysvc"].settings.secret_keys_file == ""


def test_two_rings_at_once_are_refused(clean: None) -> None:
    both = {"KEYSVC_SECRET_KEYS": RING, "KEYSVC_SECRET_KEYS_FILE": "ring"}

    with pytest.raises(Misconfigured) as caught:
        create_app(both)

    assert "KEYSVC_SECRET_KEYS " in str(caught.value)
    assert "KEYSVC_SECRET_KEYS_FILE" in str(caught.value)
    assert RING not in str(caught.value)


def test_default_then_environment_then_config(
    clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYSVC_POOL_SIZE", "3")
    monkeypatch.setenv("KEYSVC_LOG_LEVEL", "ERROR")
    monkeypatch.setenv("KEYSVC_ACCESS_LOG", "no")

    app = create_app({"KEYSVC_POOL_SIZE": 4, "KEYSVC_ACCESS_LOG": True})

    settings = _service(app).settings
    assert settings.pool_size == 4
    assert settings.access_log is True
    assert settings.log_level == "ERROR"
    assert settings.flush_interval == Settings().flush_interval


def test_a_host_has_the_last_word(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYSVC_POOL_SIZE", "3")
    monkeypatch.setenv("KEYSVC_LOG_LEVEL", "ERROR")
    host = Flask("host")
    host.config["KEYSVC_POOL_SIZE"] = 9

    KeyService(host)

    assert _service(host).settings.pool_size == 9
    assert _service(host).settings.log_level == "ERROR"


def test_the_home_is_instance_unless_it_is_named(clean: None) -> None:
    assert Settings().home == Path("instance")
    assert Settings().database == "sqlite:///instance/keysvc.db"
    assert Settings().ring_file == Path("instance/secret-keys")


def test_what_lies_in_the_home_follows_it() -> None:
    settings = Settings(home=Path("/srv/keys"))

    assert settings.database == "sqlite:////srv/keys/keysvc.db"
    assert settings.ring_file == Path("/srv/keys/secret-keys")


def test_settings_survive_the_way_to_another_process() -> None:
    settings = Settings(
        home=Path("/srv"),
        pool_size=3,
        flush_interval=0.25,
        access_log=False,
        log_level="ERROR",
        secret_keys=RING,
    )

    assert Settings.from_mapping(settings.environment()) == settings
    assert Settings.from_mapping(Settings().environment()) == Settings()


def test_settings_show_no_secret() -> None:
    url = "postgresql://user:a-password@host/name"
    shown = repr(Settings(secret_keys=RING, database_url=url))

    assert RING not in shown
    assert "a-password" not in shown


def test_settings_cannot_be_changed() -> None:
    settings: Any = Settings()

    with pytest.raises(AttributeError):
        settings.pool_size = 1


def _service(app: Flask) -> Service:
    service: Service = app.extensions["keysvc"]
    return service


def test_proxies_are_told_one_by_one() -> None:
    settings = Settings(trusted_proxies="10.0.0.0/8, 2001:db8:1::/48")
    assert settings.trusted_networks == ("10.0.0.0/8", "2001:db8:1::/48")
    assert Settings(trusted_proxies="").trusted_networks == ()
