"""What can go wrong between a program and the service. No text here ever has the token in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """A flaw that the service names: `pointer` says where in the body it is, as RFC 6901 writes it."""

    pointer: str
    message: str


class AlertsvcError(Exception):
    """Any of them. `attempts` is how many requests were sent; 0: none could be."""

    def __init__(self, text: str, *, attempts: int = 0) -> None:
        super().__init__(text)
        self.attempts = attempts


class ConfigurationError(AlertsvcError):
    """The client cannot be used as it was made: its address, its token or a number is wrong, or it is closed."""


class BadValueError(AlertsvcError):
    """A value cannot be sent. `field` names it, and the text what to send instead."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"{field}: {what}" if field else what)
        self.field = field


class TransportError(AlertsvcError):
    """Nobody answered in time. `was_sent`: the request may have arrived all the same."""

    def __init__(self, text: str, *, attempts: int = 0, was_sent: bool = False) -> None:
        super().__init__(text, attempts=attempts)
        self.was_sent = was_sent


class ApiError(AlertsvcError):
    """The service, or what stands before it, said no. `kind` is a stable word, `request_id` finds it in the log."""

    def __init__(
        self,
        text: str,
        *,
        status: int,
        kind: str = "",
        request_id: str | None = None,
        errors: Sequence[FieldError] = (),
        attempts: int = 0,
    ) -> None:
        super().__init__(text, attempts=attempts)
        self.status = status
        self.kind = kind
        self.request_id = request_id
        self.errors = tuple(errors)


class NotAllowedError(ApiError):
    """401, 403: the token is missing, unknown, or lacks a scope."""


class NotFoundError(ApiError):
    """404: there is no such incident, or no such door in this version of the service."""


class ConflictError(ApiError):
    """409, 412: the state does not allow it, or it changed meanwhile."""


class RefusedError(ApiError):
    """400, 413, 415, 422, and answers in which an event was refused: repeating mends nothing."""


class UnavailableError(ApiError):
    """429, 502, 503, 504, 500: the service could not take it now, however often it was asked."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: NotAllowedError,
    403: NotAllowedError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    429: UnavailableError,
}


def class_for(status: int) -> type[ApiError]:
    """The error that an HTTP status stands for."""
    if status >= 500:
        return UnavailableError
    return _BY_STATUS.get(status, RefusedError if status >= 400 else ApiError)
