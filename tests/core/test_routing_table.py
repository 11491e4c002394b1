"""The compiled tree and the compiled correlate rules: the answers of the naive walk, at a cost that stays flat."""

import gc
import random
import threading
import weakref
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertsvc.core.correlate import CorrelateRule, CorrelateTable
from alertsvc.core.label_cache import MAX_CACHED_CHARS, LabelCache
from alertsvc.core.route import Matcher, Op
from alertsvc.core.routing_table import RoutingTable
from alertsvc.core.siblings import only_texts
from alertsvc.matchers import new_matcher, parse_matchers
from tests.core import naive
from tests.core.builders import matcher, route, rules
from tests.core.trees import CONDITIONS, LABEL_SETS, TREES


def paths(routes):
    return [found.path for found in routes]


# The same answers


@settings(max_examples=120, deadline=None)
@given(tree=TREES)
def test_the_compiled_tree_answers_as_the_naive_walk_does(tree):
    table = RoutingTable(tree, cache_size=50)
    for labels in (*LABEL_SETS, *reversed(LABEL_SETS)):
        assert paths(table.routes_for(labels)) == paths(naive.routes_for(tree, labels)), labels


@settings(max_examples=120, deadline=None)
@given(listed=st.lists(CONDITIONS, max_size=8))
def test_the_compiled_rules_find_the_first_that_fits(listed):
    known = tuple(CorrelateRule(f"rule {place}", ("team",), matchers) for place, matchers in enumerate(listed))
    table = CorrelateTable(known)
    for labels in LABEL_SETS:
        first = next((rule for rule in known if all(each.fits(labels) for each in rule.matchers)), None)
        assert table.rule_for(labels) is first, labels


def many(chance, number, depth=2):
    """A route among many siblings, most of which name a team."""
    kinds = (f'team="t{number}"', f'team="t{number % 7}",env="e{number}"', f'team=~"t{number}|u"', 'env=~"e1.*"')
    fit = parse_matchers(chance.choices(kinds, weights=(10, 3, 3, 0.1))[0])
    below = tuple(many(chance, chance.randrange(40), depth - 1) for _ in range(chance.randrange(4) if depth else 0))
    return route(f"{depth}-{number}-{chance.random()}", matchers=fit, goes_on=chance.random() < 0.2, routes=below)


@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_siblings_answer_as_the_naive_walk_does(seed):
    chance = random.Random(seed)
    tree = route(routes=tuple(many(chance, number) for number in range(1000)))
    table = RoutingTable(tree)
    for _ in range(100):
        labels = {"team": chance.choice((f"t{chance.randrange(1000)}", "t3", "u")), "env": f"e{chance.randrange(1000)}"}
        assert paths(table.routes_for(labels)) == paths(naive.routes_for(tree, labels)), labels


# What it costs


class Counting:
    """Makes matchers that count how often they are asked."""

    def __init__(self):
        self.count = 0

    def matcher(self, text):
        (known,) = parse_matchers(text)

        def test(value):
            self.count += 1
            return known.test(value)

        return replace(known, test=test)


@pytest.mark.parametrize(
    ("condition", "asked"),
    [
        pytest.param('team="t{}"', 1, id="equal"),
        pytest.param('team=~"t{0}|also-{0}"', 1, id="plain-alternatives"),
        pytest.param('team=~"^(t{0}|also-{0})$"', 1, id="alternatives-with-anchors"),
        pytest.param('team=~"t{}[.]?"', 1000, id="a-real-pattern-is-asked"),
        pytest.param('team!="t{}"', 1, id="the-first-that-is-not-equal"),
    ],
)
def test_siblings_that_cannot_fit_are_not_asked(condition, asked):
    counting = Counting()
    siblings = (route(f"r{n}", matchers=(counting.matcher(condition.format(n)),)) for n in range(1000))
    RoutingTable(route(routes=tuple(siblings))).routes_for({"team": "t999", "host": "a"})
    assert counting.count == asked


def test_what_many_siblings_share_is_not_what_they_are_found_by():
    counting = Counting()
    same = [(counting.matcher('team="ml"'), counting.matcher(f'model="m{n}"')) for n in range(1000)]
    siblings = tuple(route(f"r{n}", matchers=each) for n, each in enumerate(same))
    found = RoutingTable(route(routes=siblings)).routes_for({"team": "ml", "model": "m7"})
    assert (paths(found), counting.count) == (["r7"], 2)


def test_a_label_set_is_worked_out_once():
    counting = Counting()
    table = RoutingTable(route(routes=(route("a", matchers=(counting.matcher('team=~"a.*"'),)),)))
    first = table.routes_for({"team": "abc", "host": "one"})
    assert table.routes_for({"host": "two", "team": "abc"}) is first, "no route asks for the host"
    assert table.routes_for({"team": ""}) is table.routes_for({})
    assert counting.count == 2


def test_what_was_asked_last_is_kept():
    counting = Counting()
    table = RoutingTable(route(routes=(route("a", matchers=(counting.matcher('team=~"a.*"'),)),)), cache_size=2)
    for team in ("a1", "a2", "a1", "a3", "a1"):
        table.routes_for({"team": team})
    assert counting.count == 3
    table.routes_for({"team": "a2"})
    assert counting.count == 4


def test_long_texts_are_answered_and_not_kept():
    asked = []
    cache = LabelCache(["team"], lambda labels: asked.append(labels["team"]))
    for length in (MAX_CACHED_CHARS, MAX_CACHED_CHARS, MAX_CACHED_CHARS + 1, MAX_CACHED_CHARS + 1):
        cache({"team": "x" * length})
    assert [len(text) for text in asked] == [MAX_CACHED_CHARS, MAX_CACHED_CHARS + 1, MAX_CACHED_CHARS + 1]


def test_threads_that_ask_at_once_get_the_right_answers():
    siblings = tuple(route(f"t{n}", matchers=(matcher("team", f"t{n}"),)) for n in range(50))
    table = RoutingTable(route(routes=siblings), cache_size=8)
    wrong = []
    together = threading.Barrier(4)

    def ask(seed):
        chance = random.Random(seed)
        together.wait(10)
        for _ in range(3000):
            team = f"t{chance.randrange(60)}"
            want = team if int(team[1:]) < 50 else "root"
            wrong.extend(found for found in paths(table.routes_for({"team": team})) if found != want)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


# To whom it belongs


def test_changed_rules_answer_for_themselves():
    before = rules(root=route(routes=(route("old", matchers=(matcher("team", "a"),)),)))
    assert paths(before.routing.routes_for({"team": "a"})) == ["old"]
    after = replace(before, root=route(routes=(route("new", matchers=(matcher("team", "a"),)),)), correlate=())
    assert paths(after.routing.routes_for({"team": "a"})) == ["new"]
    assert paths(before.routing.routes_for({"team": "a"})) == ["old"]
    assert before.correlating.rule_for({}) is not None
    assert after.correlating.rule_for({}) is None


def test_the_compiled_tree_ends_with_its_rules():
    known = rules()
    known.routing.routes_for({"team": "a"})
    table = weakref.ref(known.routing)
    del known
    gc.collect()
    assert table() is None


def test_rules_are_equal_whatever_they_were_asked():
    one, other = rules(), rules()
    one.routing.routes_for({"team": "a"})
    assert one == other


# Which texts can be listed


@pytest.mark.parametrize(
    ("condition", "texts"),
    [
        pytest.param('a="x"', {"x"}, id="equal"),
        pytest.param('a=""', None, id="equal-nothing-fits-what-is-missing"),
        pytest.param('a=~"x|y z"', {"x", "y z"}, id="words"),
        pytest.param('a=~"^(x|y)$"', {"x", "y"}, id="words-in-parentheses-and-anchors"),
        pytest.param('a=~"x|"', None, id="an-empty-alternative-fits-what-is-missing"),
        pytest.param('a=~"x.y"', None, id="a-dot-is-any-character"),
        pytest.param('a=~"(x|y)z"', None, id="something-after-parentheses"),
        pytest.param('a=~"(?i:x)"', None, id="flags"),
        pytest.param('a!="x"', None, id="not-equal"),
        pytest.param('a!~"x|y"', None, id="not-matching"),
    ],
)
def test_the_only_texts_that_fit_are_known_when_they_can_be_listed(condition, texts):
    (known,) = parse_matchers(condition)
    assert only_texts(known) == texts


@settings(max_examples=300, deadline=None)
@given(pattern=st.text("ab|()^$.- é", max_size=8), others=st.lists(st.text("ab|^é\n", max_size=3), max_size=5))
def test_listed_texts_are_exactly_those_that_fit(pattern, others):
    try:
        known: Matcher = new_matcher("a", Op.MATCHES, pattern)
    except ValueError:
        return
    texts = only_texts(known)
    if texts is None:
        return
    assert "" not in texts
    for text in (*texts, *others, "", *(f"{each}\n" for each in texts)):
        assert known.fits({"a": text}) is (text in texts), text
