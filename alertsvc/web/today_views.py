"""What routing and mutes say today of what fires, as the API tells it."""

from sqlmodel import SQLModel

from alertsvc.core.explain import Taking
from alertsvc.engine.mute_origins import Origins
from alertsvc.engine.story import Today
from alertsvc.web.mute_views import MuteView


class RouteToday(SQLModel):
    """A route that takes an alert, what it does with it, and what keeps the news back."""

    route: str
    receiver: str
    deliver: str
    digest: str | None
    mutes: list[MuteView]

    @classmethod
    def of(cls, taking: Taking, origins: Origins) -> "RouteToday":
        """The view of a route that takes an alert."""
        return cls(
            route=taking.route.path,
            receiver=taking.route.receiver,
            deliver=taking.deliver,
            digest=taking.digest,
            mutes=[MuteView.of(mute, origins.get(mute.ref)) for mute in taking.mutes],
        )


class AlertToday(SQLModel):
    """What routing says today of an alert that fires."""

    fingerprint: str
    severity: str
    labels: dict[str, str]
    routes: list[RouteToday]

    @classmethod
    def of(cls, today: Today, origins: Origins) -> "AlertToday":
        """The view of what was found."""
        routes = [RouteToday.of(taking, origins) for taking in today.taken]
        found = today.alert
        return cls(
            fingerprint=found.fingerprint, severity=found.severity.word, labels=dict(found.labels), routes=routes
        )
