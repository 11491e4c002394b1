"""Where the service is, who asks, and how long one waits: from arguments, else from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from alertsvc.client.errors import ConfigurationError

DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_SECONDS = 5.0
CONNECT_SECONDS = 2.0
MOST_SECONDS = 600.0
MAX_TOKEN_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Defaults:
    """What every event of a client has unless it says otherwise. Labels are joined."""

    model: str | None = None
    environment: str | None = None
    labels: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Settings:
    """How a client was made. `timeout` is in seconds, for one call with all its tries and pauses."""

    url: str = field(default=DEFAULT_URL, repr=False)
    token: str | None = field(default=None, repr=False)
    token_file: str | os.PathLike[str] | None = None
    timeout: float = DEFAULT_SECONDS
    retries: int = 4
    raise_errors: bool = False
    defaults: Defaults = Defaults()

    def check(self) -> None:
        """Whether a client can be used so.

        Raises:
            ConfigurationError: The address, the timeout or the retries cannot be meant.
        """
        _check_url(self.url)
        if not _is_number(self.timeout) or not 0 < self.timeout <= MOST_SECONDS:
            raise ConfigurationError(f"timeout: seconds are needed, more than 0 and at most {MOST_SECONDS:.0f}")
        if not _is_number(self.retries) or not 0 <= self.retries <= 100:
            raise ConfigurationError("retries: from 0 to 100")

    def bearer(self) -> str | None:
        """The token as it is now: a file is read again at each call, so that a rotated one needs no restart.

        Raises:
            ConfigurationError: The file cannot be read, or what is there cannot be sent in a header.
        """
        text = self.token if self.token_file is None else _read(Path(self.token_file))
        text = text.strip() if text else ""
        if not text:
            return None
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ConfigurationError("token: it has a space, a line break or a letter that no token has")
        return text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and parts.hostname and not parts.query and not parts.fragment
        has_user = parts.username is not None or parts.password is not None
        _ = parts.port  # raises for one that is no number
    except (ValueError, AttributeError):
        is_address, has_user = False, False
    if has_user:
        raise ConfigurationError("url: a token goes into token or token_file, not into the address")
    if not is_address:
        raise ConfigurationError("url: an address such as https://alerts.example.com is needed")


def shown(url: object) -> str:
    """An address fit to be shown: a password that should not be in it is not."""
    try:
        _check_url(str(url))
    except ConfigurationError:
        return "<no address of a service>"
    return str(url)


def _read(file: Path) -> str:
    try:
        with file.open("rb") as source:
            raw = source.read(MAX_TOKEN_BYTES + 1)
        text = raw.decode().strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigurationError(f"token_file: cannot read {file}: {type(fault).__name__}") from None
    if not text or len(raw) > MAX_TOKEN_BYTES:
        raise ConfigurationError(f"token_file: {file} is empty or larger than 64 KiB")
    return text


def settings_from(
    url: str | None,
    token: str | None,
    *,
    token_file: str | os.PathLike[str] | None,
    timeout: float,
    retries: int,
    raise_errors: bool,
    defaults: Defaults,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of a client: arguments, else ALERTSVC_URL, and ALERTSVC_TOKEN_FILE before ALERTSVC_TOKEN."""
    if token is None and token_file is None:
        token_file = environment.get("ALERTSVC_TOKEN_FILE") or None
        token = None if token_file else environment.get("ALERTSVC_TOKEN")
    return Settings(
        url=url or environment.get("ALERTSVC_URL") or DEFAULT_URL,
        token=token,
        token_file=token_file,
        timeout=timeout,
        retries=retries,
        raise_errors=raise_errors,
        defaults=defaults,
    )
