"""The sections about the process itself: where it listens, where it stores, how long it keeps, how it logs."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from alertsvc.channels.fields import SecretWebAddress
from alertsvc.secret import Secret
from alertsvc.settings.durations import Duration, Interval
from alertsvc.settings.words import BaseUrl, Listen, ListenAddress, ReceiverName

DEFAULT_DATABASE_URL = "sqlite:///alertsvc.db"
"""A file in the working directory: beside the configuration would be a read-only folder, or one that upgrades empty."""
DATABASE_SCHEMES = ("sqlite:", "postgresql:", "postgresql+asyncpg:", "postgres:")


class Section(BaseModel):
    """A part of the file. Unknown keys are mistakes; values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LogFormat(StrEnum):
    """How log lines look. `auto`: for people on a terminal, JSON otherwise."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe lines that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Role(StrEnum):
    """What a process does. `api` takes requests and decides, `worker` sends and does what is due, `all` does both."""

    ALL = "all"
    API = "api"
    WORKER = "worker"

    @property
    def takes(self) -> bool:
        """Whether it takes requests."""
        return self is not Role.WORKER

    @property
    def sends(self) -> bool:
        """Whether it sends, and does what is due."""
        return self is not Role.API


class ServerSection(Section):
    """The HTTP server. `external_url` is how people reach it, without a trailing slash: links in messages need it.

    A request whose body is larger than `max_body_bytes` is refused; Alertmanager sends a whole group in one, and does
    not repeat what was refused.
    """

    listen: ListenAddress = Listen("127.0.0.1", 8080)
    external_url: BaseUrl | None = None
    role: Role = Role.ALL
    max_body_bytes: Annotated[int, Field(ge=1024, le=100 * 1024 * 1024)] = 16 * 1024 * 1024


def _database_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().strip().startswith(DATABASE_SCHEMES):
        raise ValueError("a database is sqlite:///file.db or postgresql://user@host/name")
    return url


class DatabaseSection(Section):
    """Where everything is stored. The URL may hold a password, and so is a secret.

    With `keep_configuration` it also has the configurations that were in force, to start with when the file is broken.
    """

    url: Annotated[SecretStr, AfterValidator(_database_url)] | None = None
    url_file: Path | None = None
    url_env: str | None = None
    keep_configuration: bool = True

    @property
    def secret(self) -> Secret:
        """Where the URL is; `reveal` gives it."""
        if self.url is None and self.url_file is None and self.url_env is None:
            return Secret("url", inline=SecretStr(DEFAULT_DATABASE_URL))
        return Secret("url", self.url, self.url_file, self.url_env)


class AuthSection(Section):
    """Who may come in. Tokens themselves are in the database.

    Without `tokens_required` the service answers anybody on this machine until the first token is made.
    """

    tokens_required: bool = False


class RetentionSection(Section):
    """How long things are kept once nobody works on them any more."""

    incidents: Interval = timedelta(days=400)
    measurements: Interval = timedelta(days=90)
    deliveries: Interval = timedelta(days=90)
    arrivals: Interval = timedelta(days=30)
    idempotency_keys: Interval = timedelta(days=7)


class SilencesSection(Section):
    """What people may silence. `longest` bounds for how long from now; None: as long as they like.

    Of a silence that comes again it bounds how long it mutes without a gap, not how often it comes.
    """

    longest: Interval | None = None


class SelfAlertsSection(Section):
    """The alerts that the service raises about itself. `receiver` gets them, whatever the routes say."""

    enabled: bool = True
    receiver: ReceiverName | None = None


class DeadmanSection(Section):
    """An address outside that is called at each `interval` while the service is well. Who has it can press it too."""

    url: SecretWebAddress | None = None
    url_file: Path | None = None
    url_env: str | None = None
    interval: Interval = timedelta(minutes=1)

    @property
    def address(self) -> Secret | None:
        """Where it is; None: nobody is called."""
        given = (self.url, self.url_file, self.url_env)
        return None if given == (None, None, None) else Secret("deadman.url", *given)


class LoggingSection(Section):
    """What is logged, and how it looks."""

    format: LogFormat = LogFormat.AUTO
    level: LogLevel = LogLevel.INFO


class DeliverySection(Section):
    """How much one process sends: messages under way at once, messages a second over all destinations.

    `poll_every` is how often it looks for work that another replica made, or that comes due.
    """

    concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    rate: Annotated[float, Field(gt=0, le=10_000)] = 200
    poll_every: Interval = timedelta(milliseconds=500)


class GlobalSection(Section):
    """Alertmanager's `global`, less what its channels own: those add their defaults to it."""

    resolve_timeout: Duration = timedelta(minutes=5)
