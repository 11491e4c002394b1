"""What changed between two files, by name and without a value."""

import pytest

from alertsvc.settings import load_text
from alertsvc.settings.compare import differences
from tests.settings.kinds import KINDS

FILE = """
global: {slack_api_url: CANARY-1, resolve_timeout: 5m}
severities: {critical: {also: [sev1]}}
correlate: [{name: one, by: [a]}, {name: two, by: [b]}]
digests: [{name: hourly, every: 1h}]
models: [{name: churn, owner: ann}]
route:
  receiver: a
  routes:
    - {name: x, matchers: ['a="1"'], receiver: a}
    - {name: y, matchers: ['a="2"'], receiver: a}
receivers:
  - {name: a, slack_configs: [{channel: "#one"}]}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("route:", "# a remark\nroute:", [], id="a-remark-is-no-change"),
        pytest.param("CANARY-1", "CANARY-2", ["destination a/slack:#one changed"], id="a-secret-is-not-shown"),
        pytest.param("5m", "6m", ["global.resolve_timeout changed"], id="global"),
        pytest.param("sev1", "sev2", ["severities changed"], id="severities"),
        pytest.param("by: [b]", "by: [c]", ["correlate rule two changed"], id="a-rule"),
        pytest.param("every: 1h", "every: 2h", ["digest hourly changed"], id="a-digest"),
        pytest.param("owner: ann", "owner: bob", ["model churn changed"], id="a-model"),
        pytest.param('a="1"', 'a="3"', ["route root/x changed"], id="matchers"),
        pytest.param("name: x", "name: z", ["route root/x removed", "route root/z added"], id="a-renamed-route"),
        pytest.param("name: x", "repeat_interval: 1h, name: x", ["route root/x changed"], id="timing"),
        pytest.param(
            '{channel: "#one"}',
            '{channel: "#two"}',
            ["destination a/slack:#one removed", "destination a/slack:#two added"],
            id="another-channel",
        ),
        pytest.param("receivers:", "receivers:\n  - {name: b}", ["receiver b added"], id="a-receiver"),
        pytest.param(
            "[{name: one, by: [a]}, {name: two, by: [b]}]",
            "[{name: two, by: [b]}, {name: one, by: [a]}]",
            ["order of correlate changed"],
            id="the-order-of-rules",
        ),
    ],
)
def test_a_change_is_named(old, new, expected):
    assert old in FILE
    before, after = (load_text(text, "a.yaml", KINDS) for text in (FILE, FILE.replace(old, new)))
    found = [str(each) for each in differences(before, after)]
    assert found == expected
    assert "CANARY" not in str(found)


def test_the_order_of_routes_counts():
    x, y = (f"    - {{name: {name}, matchers: ['a=\"{n}\"'], receiver: a}}\n" for name, n in (("x", 1), ("y", 2)))
    before, after = (load_text(text, "a.yaml", KINDS) for text in (FILE, FILE.replace(x + y, y + x)))
    assert [str(each) for each in differences(before, after)] == ["order of the routes changed"]
