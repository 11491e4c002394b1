"""What this is, and whom it tells."""

import platform
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from alertsvc import __version__
from alertsvc.engine.service import Service
from alertsvc.observe.metrics import SPEAKS_LIKE
from alertsvc.web.access import needs
from alertsvc.web.alertmanager_api.configuration import as_alertmanager_yaml
from alertsvc.web.alertmanager_api.filters import parse_matcher_list
from alertsvc.web.alertmanager_api.shapes import Shape, instant


@get("/status", guards=[needs("read")])
async def get_status(service: NamedDependency[Service]) -> dict[str, Any]:
    """The version of the API, the routes in force, and no cluster: replicas share a database instead."""
    return {
        "cluster": {"name": "", "peers": [], "status": "disabled"},
        "config": {"original": as_alertmanager_yaml(service.rules)},
        "uptime": instant(service.started_at),
        "versionInfo": {
            "branch": "",
            "buildDate": "",
            "buildUser": "",
            "goVersion": f"Python {platform.python_version()}",
            "revision": f"alertsvc {__version__}",
            "version": SPEAKS_LIKE,
        },
    }


@get("/receivers", guards=[needs("read")])
async def get_receivers(
    service: NamedDependency[Service], receiver_matchers: FromQuery[list[str] | None] = None
) -> list[Shape]:
    """The receivers' names. They have no labels."""
    matchers = parse_matcher_list("receiver_matchers", receiver_matchers)
    if not all(matcher.fits({}) for matcher in matchers):
        return []
    return [{"labels": {}, "name": name} for name in service.rules.receivers]


HANDLERS = [get_status, get_receivers]
