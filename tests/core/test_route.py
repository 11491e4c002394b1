"""Which routes take an alert, and what a matcher says of a label that is missing."""

import pytest

from alertsvc.core.route import Matcher, Op, Route
from alertsvc.core.routing_table import RoutingTable
from alertsvc.matchers import parse_matchers
from tests.core.builders import DELIVER, TIMING, matcher, route

# Matchers


@pytest.mark.parametrize(
    ("condition", "has_none", "has_fraud", "has_churn"),
    [
        pytest.param('team="fraud"', False, True, False, id="equal"),
        pytest.param('team=""', True, False, False, id="equal-nothing"),
        pytest.param('team!="fraud"', True, False, True, id="not-equal"),
        pytest.param('team!=""', False, True, True, id="not-equal-nothing"),
        pytest.param('team=~"fr.*"', False, True, False, id="matches"),
        pytest.param('team=~".*"', True, True, True, id="matches-anything-and-nothing"),
        pytest.param('team=~".+"', False, True, True, id="matches-anything"),
        pytest.param('team=~"fraud|"', True, True, False, id="matches-it-or-nothing"),
        pytest.param('team=~"frau"', False, False, False, id="matches-from-end-to-end"),
        pytest.param('team=~"x|fraud"', False, True, False, id="matches-an-alternative-from-end-to-end"),
        pytest.param('team!~"fr.*"', True, False, True, id="not-matching"),
        pytest.param('team!~".+"', True, False, False, id="not-matching-anything"),
        pytest.param('team!~".*"', False, False, False, id="not-matching-anything-nor-nothing"),
        pytest.param('team!~"frau"', True, True, True, id="not-matching-from-end-to-end"),
    ],
)
def test_a_missing_label_is_an_empty_one(condition, has_none, has_fraud, has_churn):
    (known,) = parse_matchers(condition)
    assert known.fits({}) is known.fits({"team": ""}) is known.fits({"squad": "fraud"}) is has_none
    assert known.fits({"team": "fraud", "squad": "churn"}) is has_fraud
    assert known.fits({"team": "churn"}) is has_churn


@pytest.mark.parametrize(
    ("op", "value", "shown"),
    [
        pytest.param(Op.EQUAL, "fraud", 'team="fraud"', id="equal"),
        pytest.param(Op.NOT_EQUAL, "", 'team!=""', id="not-equal"),
        pytest.param(Op.MATCHES, r"a\d", r'team=~"a\\d"', id="backslash"),
        pytest.param(Op.NOT_MATCHES, 'a"b\nc', r'team!~"a\"b\nc"', id="quote-and-line-break"),
    ],
)
def test_a_matcher_is_shown_as_it_is_written(op, value, shown):
    known = Matcher("team", op, value, lambda _: True)
    assert str(known) == shown
    (read,) = parse_matchers(shown)
    assert read == known


# The tree


def below(path: str, *conditions: str, routes: tuple[Route, ...] = (), **changes) -> Route:
    """A route with the conditions `conditions`, each as in the configuration."""
    fit = tuple(known for text in conditions for known in parse_matchers(text))
    return route(path, matchers=fit, routes=routes, **changes)


TREE = route(
    "root",
    routes=(
        below("audit", 'audit="yes"', goes_on=True),
        below(
            "fraud",
            'team="fraud"',
            routes=(
                below("fraud/prod", 'env="prod"', 'severity=~"critical|error"'),
                below("fraud/any", 'env!=""', goes_on=True),
                below("fraud/staging", 'env="staging"'),
            ),
        ),
        below(
            "model",
            'model!=""',
            goes_on=True,
            routes=(below("model/churn", 'model="churn"'), below("model/quiet", 'quiet!=""')),
        ),
        below("late", 'model=~"churn|fraud"'),
        below("never", 'team="fraud"'),
    ),
)


@pytest.mark.parametrize(
    ("labels", "taken"),
    [
        pytest.param({}, ["root"], id="nobody-else-takes-it"),
        pytest.param({"team": "sales"}, ["root"], id="no-child-fits"),
        pytest.param({"team": "fraud"}, ["fraud"], id="a-parent-takes-what-no-child-of-it-does"),
        pytest.param({"team": "fraud", "model": "churn"}, ["fraud"], id="the-first-sibling-that-fits-ends-it"),
        pytest.param({"team": "fraud", "env": "prod", "severity": "error"}, ["fraud/prod"], id="deepest"),
        pytest.param({"team": "fraud", "env": "prod", "severity": "info"}, ["fraud/any"], id="all-matchers-must-fit"),
        pytest.param({"team": "fraud", "env": "prod"}, ["fraud/any"], id="a-child-that-goes-on-alone"),
        pytest.param({"team": "fraud", "env": "staging"}, ["fraud/any", "fraud/staging"], id="continue-to-a-sibling"),
        pytest.param({"audit": "yes"}, ["audit"], id="continue-and-nothing-follows"),
        pytest.param({"audit": "yes", "team": "fraud"}, ["audit", "fraud"], id="continue-at-the-top"),
        pytest.param(
            {"audit": "yes", "team": "fraud", "env": "staging"},
            ["audit", "fraud/any", "fraud/staging"],
            id="continue-at-both-levels",
        ),
        pytest.param({"model": "churn"}, ["model/churn", "late"], id="continue-counts-for-what-its-child-took"),
        pytest.param({"model": "churn", "quiet": "1"}, ["model/churn", "late"], id="a-child-ends-it-among-its-own"),
        pytest.param({"model": "other"}, ["model"], id="a-parent-that-goes-on"),
    ],
)
def test_the_tree_is_walked_as_alertmanager_walks_it(labels, taken):
    assert [found.path for found in RoutingTable(TREE).routes_for(labels)] == taken


def test_a_parent_that_does_not_fit_hides_its_children():
    hidden = below("fraud", 'team="fraud"', routes=(below("fraud/prod", 'env="prod"'),))
    assert RoutingTable(hidden).routes_for({"env": "prod"}) == ()
    assert RoutingTable(route(routes=(hidden,))).routes_for({"env": "prod"}) == (route(routes=(hidden,)),)


def test_one_alert_goes_to_several_receivers_each_with_its_own_way():
    tree = route(
        routes=(
            below("page", 'model="churn"', goes_on=True, receiver="oncall", timing=TIMING, deliver=DELIVER),
            below("mail", 'model="churn"', goes_on=True, receiver="owners", digest="weekly"),
            below("again", 'model="churn"', receiver="oncall"),
        )
    )
    found = RoutingTable(tree).routes_for({"model": "churn"})
    assert [(each.path, each.receiver, each.digest) for each in found] == [
        ("page", "oncall", "hourly"),
        ("mail", "owners", "weekly"),
        ("again", "oncall", "hourly"),
    ]


def test_a_route_is_given_back_whole_as_everything_it_inherits_was_filled_in():
    child = route("root/a", matchers=(matcher("team", "a"),), receiver="a", group_by=("model",), digest="weekly")
    assert RoutingTable(route(routes=(child,))).routes_for({"team": "a"}) == (child,)


def test_a_route_without_a_matcher_takes_everything():
    first, second = route("first", goes_on=True), route("second", timing=TIMING)
    assert RoutingTable(route(routes=(first, second, route("third")))).routes_for({}) == (first, second)
