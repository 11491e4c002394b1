"""`alertsvc models`: which models a service knows, and what is wrong with one."""

import json
from typing import Any

from tests.cli.conftest import Run
from tests.cli.test_explain import INCIDENT, served

MODEL = {
    "model": "churn",
    "environments": ["production"],
    "open_incident_count": 1,
    "worst_severity": "critical",
    "last_received_at": "2026-03-02T09:00:00Z",
    "series_count": 3,
    "late_count": 1,
}
BAND = {
    "lower": 0.8,
    "upper": None,
    "limit": None,
    "because": None,
    "severity": "critical",
    "by": "metrics.auc.critical",
    "method": "band",
}


def series(metric: str, state: str, **changes: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("feature", "dataset", "test", "model_version", "expected_at", "baseline_from", "value"))
    known = {
        "fingerprint": "f",
        "metric": metric,
        "kind": "performance",
        "environment": "production",
        "state": state,
        "decided_by": "thresholds.yaml",
        "observed_at": "2026-03-02T09:00:00Z",
        "received_at": "2026-03-02T09:00:00Z",
        "is_late": False,
        "limits": [],
    }
    return {**empty, **known, **changes}


def whole(*listed: dict[str, Any], **changes: Any) -> dict[str, Any]:
    known = {
        **MODEL,
        "owner": "growth@example.com",
        "runbook_url": None,
        "incidents": [INCIDENT],
        "series": list(listed),
        "versions": [],
        "deployments": [],
        "recent_incident_count": 1,
        "noise_share": None,
        "next_cursor": None,
    }
    return {**known, **changes}


def test_the_models_are_a_table(run: Run) -> None:
    quiet = {**MODEL, "model": "ltv", "environments": [], "open_incident_count": 0, "worst_severity": None}
    first, last = {"items": [MODEL], "next_cursor": "2"}, {"items": [quiet], "next_cursor": None}
    with served((200, first), (200, last)) as service:
        told = run("models", "--url", service.url)
    assert [path for _, path, _, _ in service.asked] == [
        "/api/v1/models?limit=500",
        "/api/v1/models?limit=500&cursor=2",
    ]
    assert told.stdout.splitlines() == [
        "MODEL  WHERE       OPEN  WORST     SERIES  LATE  LAST HEARD OF",
        "churn  production  1     critical  3       1     2026-03-02 09:00:00 UTC",
        "ltv    -           0     -         3       1     2026-03-02 09:00:00 UTC",
    ]


def test_of_one_model_the_worst_comes_first_with_its_limits(run: Run) -> None:
    late = series("psi", "ok", feature="age", value=0.1 + 0.2, is_late=True, expected_at="2026-03-02T08:00:00Z")
    answer = whole(series("mae", "ok", value=12), late, series("auc", "firing", value=0.71, limits=[BAND]))
    with served((200, answer)) as service:
        told = run("models", "churn/x", "--url", service.url)
    assert service.asked[0][1] == "/api/v1/models/churn%2Fx?limit=500"
    assert told.stdout.splitlines() == [
        "churn in production, owner growth@example.com",
        "",
        "open incidents:",
        "  #412 critical, firing, since 2026-03-02 09:00:00 UTC: churn: Drift?[2J",
        "",
        "series:",
        "  firing  auc         0.71  2026-03-02 09:00:00 UTC  critical at 0.8 or less (metrics.auc.critical)",
        "  ok      psi of age  0.3   2026-03-02 09:00:00 UTC  late since 2026-03-02 08:00:00 UTC",
        "  ok      mae         12    2026-03-02 09:00:00 UTC  no limit",
    ]


def test_many_series_are_counted_and_machines_get_all(run: Run) -> None:
    answer = whole(*(series(f"m{number}", "ok") for number in range(70)), series_count=70)
    with served((200, answer), (200, answer)) as service:
        people, machines = (
            run("models", "churn", "--url", service.url),
            run("models", "churn", "--url", service.url, "--json"),
        )
    assert people.stdout.splitlines()[-1] == "  and 20 more; --json shows them"
    assert len(json.loads(machines.stdout)["series"]) == 70


def test_an_unknown_model_has_its_exit_code(run: Run) -> None:
    with served((404, {"detail": "no model nope"})) as service:
        told = run("models", "nope", "--url", service.url)
    assert (told.exit_code, told.stderr) == (5, "no model nope\n")
