"""Whatever a text is, it is soon read or refused with a place in it, and what was read is written as it reads back."""

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alertsvc.core.route import Op
from alertsvc.matchers import MatcherError, classic, new_matcher, parse_matcher, parse_matchers, read_matchers, utf8
from alertsvc.matchers.reading import MAX_CHARS, MAX_MATCHERS

PIECES = [
    "a",
    "foo",
    "é",
    "=",
    "!=",
    "=~",
    "!~",
    '"',
    "\\",
    "\\n",
    "\\x41",
    "{",
    "}",
    ",",
    " ",
    "\n",
    "'",
    "(",
    "[",
    "*",
]
ANY = st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
CLASSIC = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]*", fullmatch=True)


def made(name, op, value):
    try:
        return new_matcher(name, op, value)
    except ValueError:
        assume(False)


def refusal(parse, text):
    try:
        parse(text)
    except MatcherError as refused:
        return refused
    return None


@settings(max_examples=1000, deadline=None)
@given(ANY)
def test_any_text_is_read_or_refused_with_a_place_in_it(text):
    for parse in (parse_matchers, parse_matcher):
        refused = refusal(parse, text)
        assert refused is None or (0 <= refused.offset <= len(text) and str(refused))


@settings(max_examples=500, deadline=None)
@given(ANY)
def test_every_doubt_has_a_place_in_the_text(text):
    try:
        doubts = read_matchers(text).doubts
    except MatcherError:
        return
    assert all(0 <= doubt.offset <= len(text) and doubt.message for doubt in doubts)


@settings(max_examples=500, deadline=None)
@given(WORDS, st.sampled_from(Op), WORDS)
def test_the_text_of_a_matcher_reads_back_to_it(name, op, value):
    matcher = made(name, op, value)
    assert parse_matchers(str(matcher)) == (matcher,)
    assert parse_matcher(str(matcher)) == matcher
    assert parse_matchers(f"{{{matcher},{matcher}}}") == (matcher, matcher)


@settings(max_examples=500, deadline=None)
@given(CLASSIC, st.sampled_from(Op), WORDS)
def test_the_text_of_a_matcher_with_a_classic_name_means_the_same_in_both_grammars(name, op, value):
    matcher = made(name, op, value)
    for parse in (classic.parse, utf8.parse):
        (condition,) = parse(str(matcher))
        assert (condition.name, condition.op, condition.value) == (name, op, value)
    assert read_matchers(str(matcher)).doubts == () or op in {Op.MATCHES, Op.NOT_MATCHES}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" * MAX_CHARS, id="one-word"),
        pytest.param(" " * (MAX_CHARS - 1) + "!", id="spaces"),
        pytest.param("a=" + " " * (MAX_CHARS - 3) + "x", id="spaces-before-a-value"),
        pytest.param("a=" + "x " * 8_000, id="spaces-in-a-value"),
        pytest.param('"' + "\\" * (MAX_CHARS - 1), id="backslashes"),
        pytest.param('"' * MAX_CHARS, id="quotes"),
        pytest.param("{" * MAX_CHARS, id="braces"),
        pytest.param("," * MAX_CHARS, id="commas"),
        pytest.param("a=b," * 4_096, id="many-matchers"),
        pytest.param('a=~"' + "(" * 16_000 + '"', id="open-groups"),
        pytest.param('a=~"' + "(x+x+)+" * 2_000 + 'y"', id="repeated-repetitions"),
        pytest.param('a=~"' + "(x{30}){30}" * 1_400 + '"', id="counted-repetitions"),
        pytest.param(",".join(f'a=~"\\\\pL{{{50 - n % 5}}}{n}"' for n in range(MAX_MATCHERS)), id="costly-expressions"),
    ],
)
def test_the_worst_text_takes_seconds(text):
    begun = time.perf_counter()
    refused = refusal(parse_matchers, text)
    assert time.perf_counter() - begun < 10
    assert refused is None or 0 <= refused.offset <= len(text)
