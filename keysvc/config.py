"""Settings: every key, its default, in one place."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from typing import Self
from urllib.parse import urlsplit

from keysvc.errors import Misconfigured

PREFIX = "KEYSVC_"
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_TOKEN = re.compile(r"[0-9A-Za-z]{1,12}_[0-9A-Za-z]{54}")
#: Seconds: longer than anything here lives, and short of what no date can say.
_CENTURY = 36525 * 86400

TOKEN_PREFIX = re.compile(r"[0-9A-Za-z]{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What a deployment may choose.

    Each field is read from the key ``KEYSVC_<FIELD>``, in the environment or in the
    host's ``app.config``. Times are in seconds.
    """

    home: Path = Path("instance")
    database_url: str = field(default="", repr=False)
    url: str = ""
    token: str = field(default="", repr=False)
    url_timeout: float = 2.0
    pool_size: int = 20
    pool_timeout: float = 5.0
    secret_keys: str = field(default="", repr=False)
    secret_keys_file: str = ""
    cache_size: int = 100_000
    flush_interval: float = 5.0
    audit_head_interval: float = 60.0
    audit_retention: int = 0
    api_key_prefix: str = "ksa"
    access_key_prefix: str = "kso"
    session_prefix: str = "kss"
    keypair_lifetime: int = 0
    keypair_max_lifetime: int = 0
    api_key_lifetime: int = 0
    api_key_max_lifetime: int = 0
    access_key_lifetime: int = 0
    access_key_max_lifetime: int = 0
    session_lifetime: int = 43200
    login_failures: int = 10
    password_cost: int = 12
    forwarded: str = ""
    trusted_proxies: str = "127.0.0.0/8,::1/128"
    access_log: bool = True
    log_level: str = "INFO"

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> Self:
        """
        Pick the service's own keys out of *config*.

        Raises:
            Misconfigured: If a value is none that the setting can take.
        """
        keys = {PREFIX + f.name.upper(): f for f in fields(cls)}
        return cls(
            **{
                f.name: _read(key, f.default, config[key])
                for key, f in keys.items()
                if key in config
            }
        )

    def __post_init__(self) -> None:
        for name in (
            "pool_size",
            "pool_timeout",
            "url_timeout",
            "cache_size",
            "flush_interval",
            "audit_head_interval",
            "session_lifetime",
            "login_failures",
        ):
            _require(getattr(self, name) > 0, name, "must be above 0")
            # Beyond this, waiting is an OverflowError; infinity is.
            _require(getattr(self, name) <= threading.TIMEOUT_MAX, name, "is too much")
        for family in ("keypair", "api_key", "access_key"):
            self._check_lifetimes(f"{family}_lifetime", f"{family}_max_lifetime")
        # Beyond this, the moment that many days ago is before the calendar's first.
        held = 0 <= self.audit_retention <= 36_500
        _require(held, "audit_retention", "must be from 0 to 36500")
        taken: dict[str, str] = {}
        for name in ("api_key_prefix", "access_key_prefix", "session_prefix"):
            prefix = getattr(self, name)
            good = TOKEN_PREFIX.fullmatch(prefix) is not None
            _require(good, name, "must have 1 to 12 characters of 0-9 A-Z a-z")
            other = PREFIX + taken.get(prefix, "").upper()
            _require(prefix not in taken, name, f"must differ from {other}")
            taken[prefix] = name
        _require(4 <= self.password_cost <= 16, "password_cost", "must be from 4 to 16")
        _require(
            self.log_level in {"DEBUG", "INFO", "WARNING", "ERROR"},
            "log_level",
            "must be one of DEBUG, INFO, WARNING, ERROR",
        )
        _require(
            self.forwarded in {"", "x-forwarded", "x-original"},
            "forwarded",
            "must be x-forwarded or x-original, or not be set",
        )
        _require(
            all(map(_is_network, self.trusted_networks)),
            "trusted_proxies",
            "must be networks like 10.0.0.0/8,2001:db8::/32",
        )
        _require(
            not (self.secret_keys and self.secret_keys_file),
            "secret_keys",
            "and KEYSVC_SECRET_KEYS_FILE exclude each other: set one of them",
        )
        self._check_url()
        _require(
            self.database.startswith(("sqlite:///", "postgresql://")),
            "database_url",
            "must begin with sqlite:/// or postgresql://",
        )
        _require(
            self.database.partition("?")[0].removeprefix("sqlite:///").strip("/") != "",
            "database_url",
            "must name a file, as sqlite:////path/to/file does",
        )

    def _check_lifetimes(self, default: str, maximum: str) -> None:
        for name in (default, maximum):
            within = 0 <= getattr(self, name) <= _CENTURY
            _require(within, name, f"must be from 0 (no limit) to {_CENTURY} seconds")
        longest = getattr(self, maximum) or _CENTURY
        most = f"must not be above {PREFIX}{maximum.upper()}"
        _require(getattr(self, default) <= longest, default, most)

    def _check_url(self) -> None:
        if not self.url:
            return
        _require(
            _is_address(self.url),
            "url",
            "must look like https://keys.example.com, with no user, query or fragment",
        )
        _require(
            not self.database_url,
            "url",
            "and KEYSVC_DATABASE_URL exclude each other: set one of them",
        )
        _require(
            _TOKEN.fullmatch(self.token) is not None,
            "token",
            "must be, beside KEYSVC_URL, a token that the keysvc there has issued",
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that make these settings again in another process."""
        return {
            PREFIX + f.name.upper(): str(getattr(self, f.name)) for f in fields(self)
        }

    @property
    def database(self) -> str:
        """Return the URL of the database: by default the one embedded in the home."""
        return self.database_url or f"sqlite:///{self.home / 'keysvc.db'}"

    @property
    def trusted_networks(self) -> tuple[str, ...]:
        """Return the networks of the proxies, one by one."""
        parts = self.trusted_proxies.split(",")
        return tuple(part.strip() for part in parts if part)

    @property
    def ring_file(self) -> Path:
        """Return the file that holds the ring where no variable holds it."""
        return Path(self.secret_keys_file or self.home / "secret-keys")


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Read for what it raises: a port may be no number.
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.port != 0
            and url == f"{parts.scheme}://{parts.netloc}{parts.path}"
            and "@" not in parts.netloc
        )
    except ValueError:
        return False


def _require(holds: bool, name: str, rule: str) -> None:
    if not holds:
        raise Misconfigured(f"{PREFIX}{name.upper()} {rule}.")


def _read(key: str, default: Any, value: Any) -> Any:
    """Read *value*, maybe text from the environment, as what *default* is."""
    kind = type(default)
    try:
        return _boolean(value) if kind is bool else kind(value)
    except (TypeError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}
        raise Misconfigured(f"{key} must be {wanted.get(kind, 'text')}.") from None


def _boolean(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE
