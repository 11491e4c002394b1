"""The reasoning about an alert: the routes it names are those that live traffic takes, and it says why."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings

from alertsvc.core.decide import Batch, correlation_for
from alertsvc.core.explain import explain
from alertsvc.core.findings import Misfit, Standing, walk
from alertsvc.core.model import Deliver, Severity
from alertsvc.core.severity import SeverityRule
from alertsvc.core.subscribers import event_labels
from alertsvc.matchers import parse_matchers
from tests.core.builders import CHAT, CRITICAL, MAIL, NOW, event, moment, route, rules
from tests.core.trees import LABEL_SETS, TREES


def below(path, *conditions, **changes):
    return route(path, matchers=tuple(known for text in conditions for known in parse_matchers(text)), **changes)


TREE = route(
    routes=(
        below("audit", 'audit="yes"', goes_on=True),
        below("fraud", 'team="fraud"', 'env=~"prod|live"', routes=(below("fraud/page", 'severity="critical"'),)),
        below("late", 'team!="x"', routes=(below("late/deep"),)),
        below("never"),
    )
)


def standings(tree):
    return {finding.route.path: str(finding.standing) for finding in tree.each()}


def found(tree, path):
    return next(finding for finding in tree.each() if finding.route.path == path)


@settings(max_examples=100, deadline=None)
@given(tree=TREES)
def test_the_routes_that_take_an_alert_are_those_of_live_traffic(tree):
    known = rules(root=tree)
    for labels in LABEL_SETS[::2]:
        live = known.routing.routes_for(event_labels(event(labels=labels, severity=Severity.WARNING)))
        assert [taking.route.path for taking in explain(known, labels).taken] == [route.path for route in live]


@settings(max_examples=100, deadline=None)
@given(tree=TREES)
def test_every_reason_holds(tree):
    for labels in LABEL_SETS[::5]:
        for finding in walk(tree, labels).each():
            below = finding.below
            match finding.standing:
                case Standing.FAILS:
                    matchers = finding.route.matchers
                    misfit = matchers.index(finding.misfit.matcher)
                    assert [each.fits(labels) for each in matchers[: misfit + 1]] == [True] * misfit + [False]
                    assert finding.misfit.found == labels.get(finding.misfit.matcher.name)
                    assert not below
                case Standing.NOT_REACHED:
                    assert finding.misfit is None
                    assert not below
                case Standing.TAKES:
                    assert all(each.standing is Standing.FAILS for each in below)
                case Standing.LEADS:
                    assert any(each.fits for each in below)
            ends = [place for place, each in enumerate(below) if each.fits and not each.route.goes_on]
            unreached = [place for place, each in enumerate(below) if each.standing is Standing.NOT_REACHED]
            assert len(ends) <= 1
            assert unreached == list(range(ends[0] + 1, len(below))) if ends else unreached == []
            assert {below[place].stopped_by for place in unreached} <= {below[place].route.path for place in ends}
            assert [place for place, each in enumerate(below) if each.stops] == (ends if unreached else [])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(
            {"team": "fraud", "env": "prod", "severity": "critical"},
            {
                "root": "leads",
                "audit": "fails",
                "fraud": "leads",
                "fraud/page": "takes",
                "late": "not reached",
                "never": "not reached",
            },
            id="what-follows-is-not-looked-at",
        ),
        pytest.param(
            {"audit": "yes", "team": "x"},
            {"root": "leads", "audit": "takes", "fraud": "fails", "late": "fails", "never": "takes"},
            id="one-that-continues-stops-nothing",
        ),
        pytest.param(
            {},
            {
                "root": "leads",
                "audit": "fails",
                "fraud": "fails",
                "late": "leads",
                "late/deep": "takes",
                "never": "not reached",
            },
            id="below-one-that-fails-nothing-is-listed",
        ),
    ],
)
def test_every_route_has_its_standing(labels, expected):
    assert standings(explain(rules(root=TREE), labels).tree) == expected


def test_nothing_but_the_root_takes_what_no_child_fits():
    tree = walk(route(routes=(below("a", 'x="1"'), below("b", 'x="2"'))), {"x": "3"})
    assert standings(tree) == {"root": "takes", "a": "fails", "b": "fails"}


@pytest.mark.parametrize(
    ("labels", "matcher", "value"),
    [
        pytest.param({"team": "ml"}, 'team="fraud"', "ml", id="another-value"),
        pytest.param({"env": "prod"}, 'team="fraud"', None, id="no-such-label"),
        pytest.param({"team": ""}, 'team="fraud"', "", id="an-empty-one-is-shown-as-it-is"),
        pytest.param({"team": "fraud", "env": "test"}, 'env=~"prod|live"', "test", id="the-second-matcher"),
    ],
)
def test_the_first_matcher_that_fails_is_named_with_what_it_found(labels, matcher, value):
    finding = found(explain(rules(root=TREE), labels).tree, "fraud")
    assert finding.misfit == Misfit(parse_matchers(matcher)[0], value)


def test_the_sibling_that_ended_the_search_is_named():
    tree = explain(rules(root=TREE), {"team": "fraud", "env": "prod"}).tree
    assert [finding.route.path for finding in tree.each() if finding.stops] == ["fraud"]
    assert {each.route.path: each.stopped_by for each in tree.each() if each.stopped_by} == {
        "late": "fraud",
        "never": "fraud",
    }


def test_the_last_sibling_ends_nothing():
    tree = explain(rules(root=TREE), {"team": "x"}).tree
    assert found(tree, "never").standing is Standing.TAKES
    assert not found(tree, "never").stops


@pytest.mark.parametrize(
    ("labels", "deliver", "digest"),
    [
        pytest.param({"severity": "critical"}, Deliver.IMMEDIATE, None, id="critical"),
        pytest.param({"severity": "page"}, Deliver.IMMEDIATE, None, id="a-foreign-word-for-critical"),
        pytest.param({"severity": "warning"}, Deliver.DIGEST, "hourly", id="warning"),
        pytest.param({}, Deliver.DIGEST, "hourly", id="no-severity-is-the-default"),
        pytest.param({"severity": "info"}, Deliver.NONE, None, id="info"),
    ],
)
def test_what_a_route_does_depends_on_the_severity(labels, deliver, digest):
    (taking,) = explain(rules(CHAT, MAIL), labels).taken
    assert (taking.deliver, taking.digest, taking.destinations) == (deliver, digest, (CHAT, MAIL))
    assert taking.route.timing.repeat_interval == timedelta(hours=4)


def test_a_source_may_grade_what_has_no_severity_label():
    known = rules(root=TREE, severities=SeverityRule(default=Severity.INFO))
    labels = {"team": "fraud", "env": "live"}
    by_default, graded = explain(known, labels), explain(known, labels, CRITICAL)
    assert (by_default.severity, by_default.taken[0].route.path) == (Severity.INFO, "fraud")
    assert (graded.severity, graded.taken[0].route.path) == (CRITICAL, "fraud/page")
    assert graded.labels == {**labels, "severity": "critical"}


@pytest.mark.parametrize("correlate", [pytest.param((), id="group-by"), pytest.param(None, id="a-rule")])
def test_the_incident_is_the_one_that_live_traffic_makes(correlate):
    known = rules(root=replace(TREE, group_by=("team",)))
    known = known if correlate is None else replace(known, correlate=correlate)
    labels = {"team": "fraud", "env": "prod", "model": "churn"}
    explanation = explain(known, labels)
    assert explanation.correlation == correlation_for(known, event(labels=labels, severity=Severity.WARNING))
    assert explanation.rule.name == ("model" if correlate is None else "route:fraud")


@pytest.mark.parametrize(
    ("delivers", "counts"),
    [
        pytest.param(("digest", "immediate"), "second", id="the-most-urgent"),
        pytest.param(("immediate", "digest"), "first", id="the-most-urgent-though-it-is-first"),
        pytest.param(("digest", "digest"), "first", id="the-first-of-equals"),
        pytest.param(("none", "digest"), "second", id="rather-told-than-not"),
    ],
)
def test_a_destination_that_several_routes_lead_to_is_told_once_as_by_live_traffic(delivers, counts):
    ways = [dict.fromkeys(Severity, Deliver(word)) for word in delivers]
    both = (route("first", goes_on=True, deliver=ways[0]), route("second", deliver=ways[1]))
    known = rules(CHAT, root=route(routes=both))
    told = {destination: taking.route.path for destination, taking in explain(known, {}).told.items()}
    assert told == {CHAT.id: counts}
    batch = Batch(moment(known), {}, [])
    batch.arrive(event(labels={"alertname": "Drift"}, severity=Severity.WARNING), UUID(int=7), NOW)
    assert [each.route for _, each in batch.finish().effects.new_believers] == [counts]
