"""How one try to send ended. The outbox decides what follows; a channel never retries."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

Anchor = Mapping[str, str]
"""What a provider gave back that later messages of the same incident need (a Slack channel and timestamp, ...)."""


class Fault(StrEnum):
    """The class of a failure: what an operator looks for, and a metric label (a closed set)."""

    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    AUTH_ERROR = "auth_error"
    RATE_LIMITED = "rate_limited"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    NETWORK = "network"
    CONFIGURATION = "configuration"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it. `detail` says what it answered, and names recipients it refused among good ones.

    `anchor` replaces what is remembered for this incident and destination; None leaves that as it is.
    """

    detail: str = ""
    anchor: Anchor | None = None
    status_code: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """It will not be taken however often it is sent."""

    fault: Fault
    detail: str
    status_code: int | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """It was surely not taken, and may be later.

    `after` is what the provider asked for, if it did. `whole_destination` says the wait holds for everything that goes
    there (a rate limit), not for this message alone. `progress` comes back in the next try's envelope (the recipients
    that already have it).
    """

    fault: Fault
    detail: str
    after: timedelta | None = None
    status_code: int | None = None
    whole_destination: bool = False
    progress: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left and no answer came: the provider may or may not have taken it. A repeat may be a duplicate.

    `progress` is as in `Retry`: those who surely have it are not told a second time because of one who may not.
    """

    detail: str
    fault: Fault = Fault.TIMEOUT
    progress: Mapping[str, str] | None = None


Outcome = Accepted | Rejected | Retry | Unknown


class Interrupted(asyncio.CancelledError):
    """A send was cancelled. What a channel knows by then is worth keeping, such as who already has the message."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome
