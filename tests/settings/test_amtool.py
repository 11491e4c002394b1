"""Our reading of a file against Alertmanager's own: the same trees give the same receivers, what it takes is taken."""

import random
import subprocess

import pytest
import yaml

from alertsvc.core.explain import explain
from alertsvc.core.model import AlertState, Event
from alertsvc.core.severity import SeverityRule
from alertsvc.core.subscribers import event_labels
from alertsvc.ingest import alertmanager
from alertsvc.settings import ConfigError, load_text
from tests.programs import binary
from tests.settings.kinds import KINDS

NAMES = ("team", "env", "severity")
VALUES = ("ml", "prod", "p", "a b", "x.y", "critical")
MATCHERS = (
    '{name}="{value}"',
    "{name}={value}",
    '{name} != "{value}"',
    '{name}=~"{value}"',
    "{name}=~{value}.*",
    '{name}!~"{value}|ml"',
    '{name}=""',
    '{name}=~".+"',
    '{name}!=""',
    '{{{name}="{value}",env!="prod"}}',
    '{name}=~"(?i:{value})"',
    '{name}=~"[a-m].?"',
    '{name}=~"^({value}|ml)$"',
)


def tree(chance, receivers, siblings=3, depth=0):
    """A route with a receiver of its own, so that the receivers name the routes. The root has all the `siblings`."""
    receivers.append(f"r{len(receivers)}")
    route = {"receiver": receivers[-1]}
    if depth:
        route |= conditions(chance)
        if chance.random() < 0.4:
            route["continue"] = True
    if depth < 3:
        below = chance.randint(0, 3) if depth else siblings
        route["routes"] = [tree(chance, receivers, siblings, depth + 1) for _ in range(below)]
    return route


def conditions(chance):
    matchers = [
        chance.choice(MATCHERS).format(name=chance.choice(NAMES), value=chance.choice(VALUES))
        for _ in range(chance.choice((0, 1, 1, 1, 2)))
    ]
    found = {"matchers": matchers} if matchers else {}
    if chance.random() < 0.2:
        found["match"] = {chance.choice(NAMES): chance.choice((*VALUES, ""))}
    if chance.random() < 0.2:
        found["match_re"] = {chance.choice(NAMES): chance.choice(("ml|p", ".*", "a b", "[^m].*"))}
    return found


def asked(path, labels):
    arguments = [binary("amtool"), "config", "routes", "test", f"--config.file={path}"]
    said = subprocess.run(
        [*arguments, *(f'{name}="{value}"' for name, value in labels.items())],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    return said.stdout.strip().split(",")


def seen(labels):
    """What routes and mutes see of an alert that Alertmanager sends."""
    severity = SeverityRule().read(labels.get("severity"))
    return event_labels(Event(alertmanager.SOURCE, "f", AlertState.FIRING, severity, labels))


@pytest.mark.parametrize("seed", range(70))
def test_alertmanager_gives_the_same_receivers(seed, tmp_path):
    chance = random.Random(seed)
    receivers = []
    route = tree(chance, receivers, siblings=40 if seed % 3 == 0 else 3)
    text = yaml.safe_dump({"route": route, "receivers": [{"name": name} for name in receivers]}, sort_keys=False)
    path = tmp_path / "alertmanager.yml"
    path.write_text(text)
    rules = load_text(text, str(path), KINDS).rules
    for _ in range(4):
        labels = {name: chance.choice(VALUES) for name in NAMES if chance.random() < 0.7}
        theirs = asked(path, labels)
        assert theirs == [by.receiver for by in rules.routing.routes_for(seen(labels))], labels
        assert theirs == list(explain(rules, labels).receivers), labels


CLOCK = ("00:00", "09:00", "17:30", "23:59", "24:00", "9:00", "12:60")
DAYS = ("1", "5", "28", "31", "-1", "-3", "-28", "-31", "0", "32")
WEEKDAYS = ("monday", "Wednesday", "friday", "SATURDAY", "sunday", "mon")
MONTHS = ("january", "March", "december", "1", "06", "12", "dec")
YEARS = ("2025", "2026", "2030", "next")


def interval(chance):
    """An entry of a time interval, mostly as it should be."""

    def some(words):
        usual = words[:-1] if chance.random() < 0.9 else words
        return [":".join(chance.choices(usual, k=chance.choice((1, 1, 2)))) for _ in range(chance.choice((1, 2)))]

    times = [dict(zip(("start_time", "end_time"), sorted(chance.sample(CLOCK[:5], 2)), strict=True))]
    if chance.random() < 0.1:
        times.append({"start_time": chance.choice(CLOCK), "end_time": chance.choice(CLOCK)})
    fields = {
        "times": times,
        "days_of_month": some(DAYS),
        "weekdays": some(WEEKDAYS),
        "months": some(MONTHS),
        "years": some(YEARS),
        "location": chance.choice(("Europe/Lisbon", "UTC", "Local", "", "America/New_York")),
    }
    return {key: value for key, value in fields.items() if chance.random() < 0.3}


def is_taken(text):
    try:
        load_text(text, "alertmanager.yml", KINDS)
    except ConfigError:
        return False
    return True


def test_time_intervals_that_alertmanager_takes_are_taken(tmp_path):
    chance = random.Random(0)
    path = tmp_path / "alertmanager.yml"
    verdicts = []
    for _ in range(60):
        config = {
            "route": {"receiver": "r", "routes": [{"mute_time_intervals": ["x"], "active_time_intervals": ["y"]}]},
            "receivers": [{"name": "r"}],
            "time_intervals": [{"name": "x", "time_intervals": [interval(chance)]}],
            "mute_time_intervals": [{"name": "y"}],
        }
        text = yaml.safe_dump(config, sort_keys=False)
        path.write_text(text.replace("'", "") if chance.random() < 0.5 else text)
        checked = subprocess.run(
            [binary("amtool"), "check-config", path], capture_output=True, text=True, check=False, timeout=20
        )
        verdicts.append((checked.returncode == 0, is_taken(path.read_text())))
        assert verdicts[-1] != (True, False), checked.stdout + path.read_text()
    assert min(verdicts.count((True, True)), verdicts.count((False, False))) > 10, verdicts
