"""Time intervals in the configuration that Alertmanager's tools read: the same times, in Alertmanager's words."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from alertsvc.settings import load_text
from alertsvc.web.alertmanager_api.configuration import as_alertmanager_yaml
from tests.programs import binary
from tests.settings.kinds import KINDS

ROUTES = """
route:
  receiver: team
  routes:
    - {{matchers: [a=b], mute_time_intervals: [quiet]}}
    - {{matchers: [a=c], active_time_intervals: [quiet]}}
receivers: [{{name: team}}]
time_intervals: [{{name: quiet, time_intervals: [{entry}]}}]
"""
ALERTMANAGERS = {"times", "weekdays", "days_of_month", "months", "years", "location"}
HOURS_OF_FOUR_YEARS = [datetime(2023, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(4 * 366 * 24)]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param("{times: [{start_time: '09:00', end_time: '17:30'}], weekdays: ['monday:friday']}", id="plain"),
        pytest.param("{days_of_month: ['1:5', '-3:-1'], months: ['march:may'], years: ['2024:2025']}", id="days"),
        pytest.param("{weekdays: [saturday, sunday], location: Europe/Lisbon}", id="zone"),
        pytest.param("{}", id="always"),
        pytest.param("{times: [{start_time: '22:00', end_time: '06:00'}]}", id="over-midnight"),
        pytest.param(
            "{times: [{start_time: '22:00', end_time: '06:00'}, {start_time: '12:00', end_time: '13:00'}],"
            " weekdays: [sunday], location: Europe/Lisbon}",
            id="over-midnight-into-monday",
        ),
        pytest.param("{times: [{start_time: '22:00', end_time: '00:00'}], months: [may]}", id="to-midnight"),
        pytest.param("{dates: ['2024-02-29', '2023-12-20:2024-01-06']}", id="dates"),
        pytest.param("{dates: ['2025-12-31:2026-01-02', '2024-01-30:2024-03-01']}", id="dates-from-the-end-of-a-month"),
        pytest.param("{days_of_month: ['28:-1']}", id="the-last-days-of-each-month"),
        pytest.param("{days_of_month: ['29:-1']}", id="the-last-days-of-which-some-months-have-none"),
        pytest.param("{days_of_month: ['26:-2', '1:-27', '-3:-2']}", id="to-the-last-days-but-some"),
        pytest.param("{dates: ['12-24:01-06'], weekdays: [monday]}", id="dates-of-every-year"),
    ],
)
def test_what_is_shown_holds_when_what_is_in_force_does(entry: str, tmp_path: Path) -> None:
    rules = load_text(ROUTES.format(entry=entry), "alertsvc.yaml", KINDS).rules
    shown = as_alertmanager_yaml(rules)
    tree = yaml.safe_load(shown)
    assert "#" not in shown
    (tmp_path / "alertmanager.yml").write_text(shown)
    command = [binary("amtool"), "check-config", tmp_path / "alertmanager.yml"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    first, second = tree["route"]["routes"]
    assert (first["mute_time_intervals"], second["active_time_intervals"]) == (["quiet"], ["quiet"])
    assert not {"mute_time_intervals", "active_time_intervals"} & set(tree["route"])
    for each in tree["time_intervals"][0]["time_intervals"]:
        assert set(each) <= ALERTMANAGERS
        assert all(times["start_time"] < times["end_time"] for times in each.get("times", ()))
    again = load_text(shown.replace("templates: []\n", ""), "alertmanager.yml", KINDS).rules
    before, after = rules.intervals["quiet"], again.intervals["quiet"]
    assert [at for at in HOURS_OF_FOUR_YEARS if before.contains(at) != after.contains(at)] == []
    assert any(before.contains(at) for at in HOURS_OF_FOUR_YEARS)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        pytest.param("{dates: ['12-24'], years: ['2024']}", "dates beside", id="dates-and-years"),
        pytest.param("{days_of_month: ['27:-2']}", "days of the month 27:-2", id="the-last-days-but-one"),
        pytest.param("{dates: ['2024-01-01:2030-01-01']}", "dates over more than 24 months", id="many-months"),
        pytest.param(
            "{times: [{start_time: '22:00', end_time: '06:00'}], days_of_month: ['1']}", "over midnight", id="midnight"
        ),
    ],
)
def test_what_alertmanager_cannot_say_is_left_out_and_named(entry: str, why: str) -> None:
    rules = load_text(ROUTES.format(entry=entry + ", {weekdays: [monday]}"), "alertsvc.yaml", KINDS).rules
    shown = as_alertmanager_yaml(rules)
    (interval,) = yaml.safe_load(shown)["time_intervals"]
    assert interval["time_intervals"] == [{"weekdays": ["monday"], "location": "UTC"}]
    (line,) = [line for line in shown.splitlines() if line.startswith("#")]
    assert line.startswith('# time interval "quiet": entry 0 is left out: ')
    assert why in line
