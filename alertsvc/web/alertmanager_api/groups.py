"""Alerts by route and by the labels that make their incident: what karma shows."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from alertsvc.core.model import Labels
from alertsvc.core.route import Route
from alertsvc.engine.service import Service
from alertsvc.engine.standing import Standing
from alertsvc.web.access import needs
from alertsvc.web.alertmanager_api.filters import parse_filter
from alertsvc.web.alertmanager_api.reading import pages
from alertsvc.web.alertmanager_api.shapes import Shape, gettable_alert, listed_in_json

log = logging.getLogger(__name__)

MOST_ALERTS = 20_000
"""Groups are put together in memory, about 1 kB for each alert. What is more is left out, and the answer says so."""
LEFT_OUT_HEADER = "X-Alertsvc-Truncated-At"
EVERY_LABEL = "..."


@dataclass(slots=True)
class Group:
    """The alerts that one route takes and that agree on the labels which make their incident: those that a rule of
    `correlate` names, else those of the route's `group_by`. `timed_by` mutes the route right now.
    """

    route: Route
    labels: Labels
    timed_by: str | None
    alerts: list[Standing] = field(default_factory=list[Standing])


class Groups:
    """Alerts in groups, up to `most` of them."""

    def __init__(self, takes_route: Callable[[Route], bool], most: int = MOST_ALERTS) -> None:
        self._takes_route = takes_route
        self._groups: dict[tuple[str, tuple[tuple[str, str], ...]], Group] = {}
        self._room = most
        self.is_cut = False

    def add(self, page: Sequence[Standing]) -> None:
        """Take in what there is room for."""
        self.is_cut = self.is_cut or len(page) > self._room
        for standing in page[: self._room]:
            for route in standing.routes:
                if self._takes_route(route):
                    self._join(standing, route)
        self._room -= min(len(page), self._room)

    def _join(self, standing: Standing, route: Route) -> None:
        labels = _grouping_labels(standing, route)
        key = (route.path, tuple(sorted(labels.items())))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(route, labels, standing.timed_by.get(route.path))
        group.alerts.append(standing)

    def __iter__(self) -> Iterator[Group]:
        """By their labels, then by receiver, as Alertmanager lists them."""
        return iter(sorted(self._groups.values(), key=lambda each: (sorted(each.labels.items()), each.route.receiver)))


def _grouping_labels(standing: Standing, route: Route) -> dict[str, str]:
    if standing.correlated is not None:
        return {name: value for name, value in standing.correlated.items() if value}
    every = EVERY_LABEL in route.group_by
    return {name: value for name, value in standing.alert.labels.items() if every or name in route.group_by}


@get("/alerts/groups", guards=[needs("read")])
async def get_alert_groups(
    service: NamedDependency[Service],
    *,
    active: FromQuery[bool] = True,
    silenced: FromQuery[bool] = True,
    inhibited: FromQuery[bool] = True,
    muted: FromQuery[bool] = True,
    filter: FromQuery[list[str] | None] = None,  # noqa: A002  # Alertmanager's name
    receiver: FromQuery[str | None] = None,
    receiver_matchers: FromQuery[list[str] | None] = None,
) -> Response[bytes]:
    """What fires, in groups. Of more than 20,000 alerts the rest is left out; `X-Alertsvc-Truncated-At` says so."""
    wanted = parse_filter(filter, receiver, receiver_matchers, active=active, silenced=silenced, inhibited=inhibited)
    groups = Groups(wanted.takes_route)
    async for page in pages(service, wanted):
        groups.add(page)
        if groups.is_cut:
            log.warning("alerts/groups: more than %d alerts fire; the rest is left out", MOST_ALERTS)
            break
    headers = {LEFT_OUT_HEADER: str(MOST_ALERTS)} if groups.is_cut else {}
    shown = (_shape(service, group) for group in groups if muted or group.timed_by is None)
    return Response(b"[" + listed_in_json(shown) + b"]\n", media_type=MediaType.JSON, headers=headers)


def _shape(service: Service, group: Group) -> Shape:
    now, muted_by = service.clock(), [group.timed_by] if group.timed_by else []
    return {
        "alerts": [gettable_alert(each, now, service.tuning.resolve_timeout, muted_by) for each in group.alerts],
        "labels": dict(group.labels),
        "receiver": {"name": group.route.receiver},
        "routeLabels": {},
    }


HANDLERS = [get_alert_groups]
