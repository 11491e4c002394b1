"""What a play is about: alerts, and the configurations that say who hears of them."""

from dataclasses import replace
from datetime import timedelta

from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.digests import DigestRule, Every
from alertsvc.core.inhibition import InhibitRule
from alertsvc.core.model import Deliver, Severity
from alertsvc.core.route import Destination, Route, Timing
from alertsvc.core.rules import Rules
from alertsvc.core.storm import StormRule
from alertsvc.matchers import parse_matchers
from tests.world import ALL, QUIET, present

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TIMING = Timing(timedelta(0), 30 * SECOND, 5 * MINUTE)
DELIVER = {
    Severity.INFO: Deliver.NONE,
    Severity.WARNING: Deliver.DIGEST,
    Severity.ERROR: Deliver.IMMEDIATE,
    Severity.CRITICAL: Deliver.IMMEDIATE,
}

CHAT = Destination("team/chat", "team", "slack", ALL)
TEAMS = Destination("team/teams", "team", "msteamsv2", QUIET)
PAGER = Destination("oncall/pager", "oncall", "pagerduty", ALL)
HOOK = Destination("oncall/hook", "oncall", "webhook", QUIET)
MAIL = Destination("office/mail", "office", "email", QUIET)

ALERTS = [
    {"alertname": name, "model": model, "team": team}
    for model, team in (("churn", "a"), ("fraud", "b"), ("price", "a"))
    for name in ("ModelDown", "Drift", "Accuracy")
]


def _route(path: str, receiver: str, matchers: str = "", **more: object) -> Route:
    known = Route(
        path, receiver, TIMING, DELIVER, "often", matchers=tuple(parse_matchers(matchers)) if matchers else ()
    )
    return replace(known, **more)


def _rules(*routes: Route, **changes: object) -> Rules:
    known = Rules(
        root=_route("root", "team", routes=routes),
        receivers={"team": (CHAT, TEAMS), "oncall": (PAGER, HOOK), "office": (MAIL,)},
        digests={"often": DigestRule("often", Every(2 * MINUTE))},
        correlate=(CorrelateRule("model", ("model",), (present("model"),)),),
    )
    return replace(known, **changes)


PAGE = _route("root/page", "oncall", 'severity=~"critical|error"', goes_on=True)
EVERYBODY = _rules(PAGE, _route("root/b", "office", 'team="b"', goes_on=True), _route("root/all", "team"))
OTHERS = _rules(
    _route("root/page", "office", 'severity="critical"', timing=replace(TIMING, group_wait=10 * SECOND)),
    _route("root/b", "oncall", 'team="b"', goes_on=True),
    correlate=(CorrelateRule("model", ("model",), (present("model"),), MINUTE),),
    inhibit=(
        InhibitRule(
            "down",
            tuple(parse_matchers('alertname="ModelDown"')),
            tuple(parse_matchers('alertname!="ModelDown"')),
            ("model",),
        ),
    ),
)
STORMY = _rules(
    PAGE,
    _route("root/all", "team"),
    receivers={
        "team": (replace(CHAT, storm=StormRule(2, MINUTE)), TEAMS),
        "oncall": (replace(PAGER, storm=StormRule(2, MINUTE, ends_singly=True)), HOOK),
        "office": (MAIL,),
    },
    correlate=(CorrelateRule("alert", ("model", "alertname")),),
)
CONFIGURATIONS = (EVERYBODY, OTHERS, STORMY)
