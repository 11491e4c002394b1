"""What the two clients have in common: how they are made, what they show of themselves, and how they report."""

import os
from collections.abc import Mapping
from typing import TypedDict

from alertsvc.client.answers import Result
from alertsvc.client.errors import AlertsvcError, ConfigurationError
from alertsvc.client.settings import DEFAULT_SECONDS, Defaults, Settings, settings_from, shown
from alertsvc.client.telling import Complaints


class Options(TypedDict, total=False):
    """How a client is made, beside its address and token: see `Common`."""

    token_file: str | os.PathLike[str] | None
    model: str | None
    environment: str | None
    labels: Mapping[str, object] | None
    timeout: float
    retries: int
    raise_errors: bool


class Common:
    """A client, whatever its transport."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        token_file: str | os.PathLike[str] | None = None,
        model: str | None = None,
        environment: str | None = None,
        labels: Mapping[str, object] | None = None,
        timeout: float = DEFAULT_SECONDS,
        retries: int = 4,
        raise_errors: bool = False,
    ) -> None:
        """Make a client; nothing is sent, and nothing is wrong before something is.

        Args:
            url: Where the service is; else ALERTSVC_URL, else http://127.0.0.1:8080.
            token: What opens it, with the scope `ingest` (and `read`, `act` for incidents); else ALERTSVC_TOKEN.
            token_file: A file with the token, read again at each call; else ALERTSVC_TOKEN_FILE.
            model: The model of every event that names none.
            environment: The environment of every event that names none; the service's default is `production`.
            labels: Labels that every event has.
            timeout: Seconds that one call may take, with all its tries and pauses.
            retries: How often a request is sent again, at most, within the timeout.
            raise_errors: Raise what went wrong in place of reporting it.

        Raises:
            ConfigurationError: Only with `raise_errors`: it cannot be used so.
        """
        defaults = Defaults(model, environment, labels or {})
        self._settings: Settings = settings_from(
            url,
            token,
            token_file=token_file,
            timeout=timeout,
            retries=retries,
            raise_errors=raise_errors,
            defaults=defaults,
        )
        self._complaints = Complaints()
        self._is_closed = False
        if raise_errors:
            self._settings.check()
            self._settings.bearer()

    def __repr__(self) -> str:
        has_token = self._settings.token is not None or self._settings.token_file is not None
        return f"{type(self).__name__}(url={shown(self._settings.url)!r}, token={'<secret>' if has_token else None})"

    @property
    def url(self) -> str:
        """Where the service is."""
        return self._settings.url

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConfigurationError("this client is closed")

    def _reported(self, result: Result, *, may_raise: bool = True) -> Result:
        if result.error is None:
            return result
        if self._settings.raise_errors and may_raise:
            raise result.error
        self._complaints.tell(result.error)
        return result

    def _mistaken(self, fault: Exception) -> Result:
        """A failure that nobody foresaw: the caller's work is worth more than this report."""
        if isinstance(fault, AlertsvcError):
            return Result(False, error=fault, attempts=fault.attempts)
        said = f"{type(fault).__name__}: {fault}"
        if self._settings.token:
            said = said.replace(self._settings.token, "<secret>")
        return Result(False, error=AlertsvcError(f"the client failed: {said[:500]}"))
