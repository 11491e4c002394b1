"""Which alert keeps back the news of which, by Alertmanager's rules."""

import pytest

from alertsvc.core.inhibition import InhibitRule, Source, inhibitors, sources_of
from alertsvc.core.mutes import Mutes
from tests.core.builders import NOW, matcher, route

CRITICAL_MUTES_WARNING = InhibitRule(
    "r", (matcher("severity", "critical"),), (matcher("severity", "warning"),), ("model", "region")
)
STRICT = InhibitRule("s", CRITICAL_MUTES_WARNING.source, CRITICAL_MUTES_WARNING.target, ("model", "region"), True)
SAME_NAME = InhibitRule("self", (matcher("team", "a"),), (matcher("team", "a"),), ("model",))
WARNING = {"severity": "warning", "model": "churn"}
CRITICAL = {"severity": "critical", "model": "churn"}


def muting(rule, labels, *firing):
    """The fingerprints of what mutes an alert with `labels` while alerts with the labels `firing` fire: s0, s1 …"""
    sources: dict[object, tuple[Source, ...]] = {}
    for number, each in enumerate(firing):
        for source in sources_of([rule], f"s{number}", each):
            sources[source.place] = (*sources.get(source.place, ()), source)
    return [source.fingerprint for _, source in inhibitors([rule], labels, sources)]


@pytest.mark.parametrize(
    ("rule", "labels", "firing", "by"),
    [
        pytest.param(CRITICAL_MUTES_WARNING, WARNING, [CRITICAL], ["s0"], id="the-same-model"),
        pytest.param(CRITICAL_MUTES_WARNING, WARNING, [], [], id="nothing-fires"),
        pytest.param(CRITICAL_MUTES_WARNING, WARNING, [{**CRITICAL, "model": "fraud"}], [], id="another-model"),
        pytest.param(
            CRITICAL_MUTES_WARNING,
            WARNING,
            [{**CRITICAL, "model": "fraud"}, CRITICAL, {**CRITICAL, "a": "b"}],
            ["s1"],
            id="any-of-many-and-one-is-enough",
        ),
        pytest.param(CRITICAL_MUTES_WARNING, WARNING, [{**CRITICAL, "region": ""}], ["s0"], id="missing-equals-empty"),
        pytest.param(CRITICAL_MUTES_WARNING, WARNING, [{**CRITICAL, "region": "eu"}], [], id="missing-is-not-a-value"),
        pytest.param(CRITICAL_MUTES_WARNING, {**WARNING, "severity": "info"}, [CRITICAL], [], id="not-its-target"),
        pytest.param(CRITICAL_MUTES_WARNING, WARNING, [WARNING], [], id="not-its-source"),
        pytest.param(STRICT, WARNING, [CRITICAL], [], id="a-label-that-must-be-there-is-missing-in-both"),
        pytest.param(
            STRICT, {**WARNING, "region": "eu"}, [{**CRITICAL, "region": "eu"}], ["s0"], id="and-is-there-in-both"
        ),
        pytest.param(STRICT, {**WARNING, "region": "eu"}, [CRITICAL], [], id="and-is-missing-in-the-source"),
        pytest.param(SAME_NAME, {"team": "a"}, [{"team": "a"}], [], id="both-sides-fit-both-alerts"),
    ],
)
def test_what_mutes_what(rule, labels, firing, by):
    assert muting(rule, labels, *firing) == by


BOTH_SIDES = InhibitRule("b", (matcher("model", "churn"),), (matcher("severity", "warning"),), ())


def test_an_alert_that_fits_both_sides_is_muted_by_one_that_does_not():
    assert muting(BOTH_SIDES, WARNING, WARNING) == [], "neither by itself nor by its like"
    assert muting(BOTH_SIDES, WARNING, WARNING, CRITICAL) == ["s1"]
    assert muting(BOTH_SIDES, {"severity": "warning", "model": "fraud"}, WARNING) == ["s0"], "it mutes others"


def test_the_same_rule_has_the_same_key_wherever_it_stands_and_another_has_not():
    source, target = CRITICAL_MUTES_WARNING.source, CRITICAL_MUTES_WARNING.target
    again = InhibitRule("other-name", source, target, ("region", "model"))
    assert again.key == CRITICAL_MUTES_WARNING.key
    different = [
        STRICT,
        SAME_NAME,
        InhibitRule("r", target, source, ("model", "region")),
        InhibitRule("r", source, target, ("model",)),
        InhibitRule("r", source, target, ("modelregion",)),
    ]
    assert len({CRITICAL_MUTES_WARNING.key, *(each.key for each in different)}) == 6


REORDERED = InhibitRule("o", CRITICAL_MUTES_WARNING.source, CRITICAL_MUTES_WARNING.target, ("region", "model"))
IN_EU = {"model": "churn", "region": "eu"}


@pytest.mark.parametrize(
    ("labels", "by"),
    [
        pytest.param({**WARNING, **IN_EU}, 2, id="by-both-orders"),
        pytest.param({**WARNING, "model": "eu", "region": "churn"}, 0, id="values-that-changed-places-do-not-agree"),
    ],
)
def test_the_order_in_which_equal_names_labels_says_nothing(labels, by):
    (source,) = sources_of([CRITICAL_MUTES_WARNING], "s0", {**CRITICAL, **IN_EU})
    rules = [CRITICAL_MUTES_WARNING, REORDERED]
    assert len(inhibitors(rules, labels, {source.place: (source,)})) == by
    assert sources_of([REORDERED], "s0", {**CRITICAL, **IN_EU}) == [source]


@pytest.mark.parametrize(
    ("changes", "muted"),
    [
        pytest.param([], True, id="as-it-was"),
        pytest.param([("old", CRITICAL, False)], False, id="the-source-ended"),
        pytest.param([("old", CRITICAL, False), ("new", CRITICAL, True)], True, id="another-began"),
        pytest.param([("other", {**CRITICAL, "model": "fraud"}, False)], True, id="one-elsewhere-ended"),
        pytest.param([("old", CRITICAL, True)], True, id="it-goes-on"),
    ],
)
def test_alerts_of_the_same_batch_count_as_they_are_after_it(changes, muted):
    (source,) = sources_of([CRITICAL_MUTES_WARNING], "old", CRITICAL)
    mutes = Mutes(NOW, rules=(CRITICAL_MUTES_WARNING,), sources={source.place: (source,)}).after(changes)
    assert bool(mutes.on(WARNING, route())) is muted
