"""Alertmanager's own API, version 2, so that Prometheus, amtool and karma can speak to this service as to Alertmanager.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from litestar import Router

from alertsvc.web.alertmanager_api import alerts, groups, silences, status
from alertsvc.web.alertmanager_api.errors import HANDLERS

ROUTER = Router(
    "/api/v2",
    route_handlers=[*status.HANDLERS, *alerts.HANDLERS, *groups.HANDLERS, *silences.HANDLERS],
    exception_handlers=HANDLERS,
    include_in_schema=False,  # Alertmanager's own description of its API holds, and it refuses in its own shapes
)
