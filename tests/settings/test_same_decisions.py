"""Whatever the file says, the real Alertmanager and we send the same alerts to the same receivers and inhibit the same.

One Alertmanager holds every set of labels there is here; it reloads each file that is made up, and says of each alert
whom it would tell and whether something inhibits it.
"""

import asyncio
import time
from itertools import product

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertsvc.core.inhibition import Source, inhibitors, sources_of
from alertsvc.settings import load_text
from tests.programs import Program, alertmanager, asked
from tests.settings.kinds import KINDS
from tests.settings.test_amtool import NAMES, VALUES, conditions, seen, tree

SECONDS = 20.0
SETTLES_SECONDS = 5.0
"""Alertmanager looks at who inhibits in the background after it has reloaded."""
FILES = 30

ALERTS = [
    {"alertname": "Up"} | {name: value for name, value in zip(NAMES, values, strict=True) if value}
    for values in product(("", *VALUES), repeat=len(NAMES))
]
"""343 sets of labels: each file is 343 cases."""
PLAIN = settings(max_examples=FILES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
CHANCE = st.randoms(use_true_random=False)
NOBODY = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


def rule(chance):
    """An inhibit rule, in the words of any age."""
    found = {}
    for side in ("source", "target"):
        for old, value in conditions(chance).items():
            found[{"matchers": f"{side}_matchers", "match": f"{side}_match", "match_re": f"{side}_match_re"}[old]] = (
                value
            )
    return found | {"equal": chance.sample([*NAMES, "nowhere"], chance.randint(0, 2))}


async def compared(tmp_path, check):
    """Run `check(reloaded)` in a thread; `reloaded(file)` gives the alerts of an Alertmanager that has taken `file`."""
    loop = asyncio.get_running_loop()
    async with alertmanager(tmp_path / "am", yaml.safe_dump(NOBODY)) as program:
        await asked("POST", f"{program.url}/api/v2/alerts", [{"labels": labels} for labels in ALERTS])

        def reloaded(text):
            return asyncio.run_coroutine_threadsafe(_reloaded(program, tmp_path, text), loop).result(SECONDS)

        await asyncio.to_thread(check, reloaded)


async def _reloaded(program: Program, folder, text):
    if text is not None:
        (folder / "am" / "alertmanager.yml").write_text(text)
        assert (await asked("POST", f"{program.url}/-/reload")).status == 200, text
    found = (await asked("GET", f"{program.url}/api/v2/alerts")).json()
    assert len(found) == len(ALERTS)
    return found


async def test_the_same_receivers_hear_of_the_same_alerts(tmp_path):
    def check(reloaded):
        @PLAIN
        @given(CHANCE)
        def same(chance):
            receivers = []
            route = tree(chance, receivers, siblings=chance.choice((3, 40)))
            file = {"route": route, "receivers": [{"name": name} for name in receivers]}
            text = yaml.safe_dump(file, sort_keys=False)
            routing = load_text(text, "alertmanager.yml", KINDS).rules.routing
            for alert in reloaded(text):
                theirs = [each["name"] for each in alert["receivers"]]
                assert [found.receiver for found in routing.routes_for(seen(alert["labels"]))] == theirs, alert[
                    "labels"
                ]

        same()

    await compared(tmp_path, check)


async def test_the_same_alerts_inhibit_the_same(tmp_path):
    def check(reloaded):
        @PLAIN
        @given(CHANCE)
        def same(chance):
            text = yaml.safe_dump(NOBODY | {"inhibit_rules": [rule(chance) for _ in range(chance.randint(1, 4))]})
            rules = load_text(text, "alertmanager.yml", KINDS).rules.inhibit
            ours = _inhibited(rules)
            theirs = _theirs(reloaded(text))
            until = time.monotonic() + SETTLES_SECONDS
            while theirs != ours and time.monotonic() < until:
                time.sleep(0.05)
                theirs = _theirs(reloaded(None))
            assert ours == theirs, text

        same()

    await compared(tmp_path, check)


def _inhibited(rules):
    sources: dict[object, tuple[Source, ...]] = {}
    for number, labels in enumerate(ALERTS):
        for source in sources_of(rules, str(number), seen(labels)):
            sources[source.place] = (*sources.get(source.place, ()), source)
    return {key(labels) for labels in ALERTS if inhibitors(rules, seen(labels), sources)}


def _theirs(alerts):
    return {key(alert["labels"]) for alert in alerts if alert["status"]["inhibitedBy"]}


def key(labels):
    return tuple(sorted(labels.items()))
