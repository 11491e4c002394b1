"""The client for other people's code. It needs httpx and the standard library, and nothing of the service.

    from alertsvc.client import AlertClient

    client = AlertClient(model="churn")            # ALERTSVC_URL, ALERTSVC_TOKEN or ALERTSVC_TOKEN_FILE
    client.metric("churn", "psi", psi, feature="age", threshold=0.2)
    with client.job("nightly-drift", expect_next_within="26h"):
        ...

What sends (`metric`, `alert`, `resolve`, `event`, `events`, `report`, `deployment`, the end of a `job`) raises nothing
by default, whatever happens and whatever it is given: it returns a `Result`, and logs a warning to `alertsvc.client`,
once for each kind of trouble. Only a call that Python itself cannot make (without a model, say) is a TypeError. With
`raise_errors=True` it raises an `AlertsvcError`. What reads and acts (`incidents`) always does.
"""

from alertsvc.client.answers import Item, Result
from alertsvc.client.asynchronous import AsyncAlertClient
from alertsvc.client.errors import (
    AlertsvcError,
    ApiError,
    BadValueError,
    ConfigurationError,
    ConflictError,
    FieldError,
    NotAllowedError,
    NotFoundError,
    RefusedError,
    TransportError,
    UnavailableError,
)
from alertsvc.client.incidents import Incident
from alertsvc.client.sync import AlertClient

__all__ = [
    "AlertClient",
    "AlertsvcError",
    "ApiError",
    "AsyncAlertClient",
    "BadValueError",
    "ConfigurationError",
    "ConflictError",
    "FieldError",
    "Incident",
    "Item",
    "NotAllowedError",
    "NotFoundError",
    "RefusedError",
    "Result",
    "TransportError",
    "UnavailableError",
]
