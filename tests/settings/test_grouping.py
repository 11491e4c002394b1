"""What routes group by, against the groups that the real Alertmanager makes of the same file.

`group_by: []` is not among the cases: it overrides the route above since Alertmanager 0.31, and Debian has
an older one.
"""

from alertsvc.core.correlate import correlation_of
from alertsvc.settings import load_text
from tests.programs import alertmanager, asked, eventually
from tests.settings.kinds import KINDS

CONFIGURATION = """
route:
  receiver: nobody
  group_by: [alertname, host]
  group_wait: 1h
  routes:
    - {receiver: inherits, matchers: ['case="inherits"']}
    - {receiver: without-a-value, matchers: ['case="without-a-value"'], group_by: }
    - {receiver: own, matchers: ['case="own"'], group_by: [zone]}
    - {receiver: own-missing, matchers: ['case="own-missing"'], group_by: [zone, nowhere]}
    - receiver: all
      matchers: ['case=~"all.*"']
      group_by: ['...']
      routes:
        - {receiver: all-inherits, matchers: ['case="all-inherits"']}
        - {receiver: all-own, matchers: ['case="all-own"'], group_by: [zone]}
receivers: [RECEIVERS]
"""
CASES = ("inherits", "without-a-value", "own", "own-missing", "all", "all-inherits", "all-own")
FILE = CONFIGURATION.replace("RECEIVERS", ", ".join(f"{{name: {name}}}" for name in ("nobody", *CASES)))


async def test_routes_group_as_the_real_alertmanager_groups(tmp_path):
    alerts = [{"alertname": "Up", "host": "h", "zone": "z", "case": case} for case in CASES]
    async with alertmanager(tmp_path / "am", FILE) as program:
        await asked("POST", f"{program.url}/api/v2/alerts", [{"labels": labels} for labels in alerts])

        async def groups():
            found = (await asked("GET", f"{program.url}/api/v2/alerts/groups")).json()
            return found if len(found) == len(CASES) else None

        theirs = {group["receiver"]["name"]: group["labels"] for group in await eventually(groups)}
    rules = load_text(FILE, "alertmanager.yml", KINDS).rules
    ours = {
        labels["case"]: {name: text for name, text in correlation_of(rule, labels).labels.items() if text}
        for labels in alerts
        for rule in [rules.correlate_rule(labels, labels)]
    }
    assert ours == theirs
