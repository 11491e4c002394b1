"""What the file's text means, before anything is known of routes and receivers."""

import time
from itertools import pairwise

import pytest

from alertsvc.settings.compose import compose
from alertsvc.settings.nodes import UnreadableError


def tree(text):
    document, faults = compose(text)
    assert not faults
    return document.tree


def alias_bomb():
    rows = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    rows += [f"{name}: &{name} [{','.join([f'*{below}'] * 9)}]" for below, name in zip("abcdef", "bcdefg", strict=True)]
    return "\n".join(rows)


def merge_bomb():
    rows = ["a: &a {k: v}"]
    names = "abcdefghi"
    rows += [f"{name}: &{name} {{<<: [{','.join([f'*{below}'] * 9)}]}}" for below, name in pairwise(names)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        pytest.param("22:30", "22:30", id="clock-is-text"),
        pytest.param("1:30:00", "1:30:00", id="sexagesimal-is-text"),
        pytest.param("on", "on", id="on-is-text"),
        pytest.param("off", "off", id="off-is-text"),
        pytest.param("yes", "yes", id="yes-is-text"),
        pytest.param("no", "no", id="no-is-text"),
        pytest.param("NO", "NO", id="norway-is-text"),
        pytest.param("y", "y", id="y-is-text"),
        pytest.param("012", "012", id="leading-zero-is-text"),
        pytest.param("1_000", "1_000", id="underscore-is-text"),
        pytest.param("2026-01-01", "2026-01-01", id="date-is-text"),
        pytest.param(".inf", ".inf", id="infinity-is-text"),
        pytest.param(".nan", ".nan", id="not-a-number-is-text"),
        pytest.param("1e999", "1e999", id="beyond-64-bits-is-text"),
        pytest.param("9" * 5000, "9" * 5000, id="endless-number-is-text"),
        pytest.param("5m", "5m", id="duration-is-text"),
        pytest.param("none", "none", id="none-is-text"),
        pytest.param("true", True, id="true"),
        pytest.param("False", False, id="false"),
        pytest.param("12", 12, id="whole-number"),
        pytest.param("-3", -3, id="negative"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("0o17", 15, id="octal"),
        pytest.param("1.5", 1.5, id="fraction"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("'12'", "12", id="quoted-number-is-text"),
        pytest.param('"true"', "true", id="quoted-word-is-text"),
        pytest.param("!!str 12", "12", id="tagged-as-text"),
        pytest.param("'~'", "~", id="quoted-tilde-is-text"),
    ],
)
def test_nothing_is_guessed(word, value):
    found = tree(f"key: {word}")["key"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("nothing", ["", "~", "null", "# only a comment"])
def test_a_key_without_a_value_is_as_if_it_were_not_there(nothing):
    document, faults = compose(f"a: {nothing}\nb: 1")
    assert (document.tree, document.empty, faults) == ({"b": 1}, frozenset({("a",)}), [])


def test_keys_are_text():
    assert tree("1: a\ntrue: b\n'on': c\n22:30: d") == {"1": "a", "true": "b", "on": "c", "22:30": "d"}


def test_aliases_and_merges_are_followed():
    text = (
        "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nall: {<<: [*base, *more], a: 9}\nsame: *base\n'<<': kept"
    )
    assert tree(text)["all"] == {"a": 9, "b": 2, "c": 4}
    assert tree(text)["same"] == {"a": 1, "b": 2}
    assert tree(text)["<<"] == "kept"


def test_every_part_knows_its_place():
    document, _ = compose("route:\n  routes:\n    - receiver: 'é'\n      continue: true\n")
    place = document.position(("route", "routes", 0, "continue"))
    key = document.position(("route", "routes", 0, "continue"), on_key=True)
    assert (place.line, place.column, key.line, key.column) == (4, 17, 4, 7)


def test_a_place_that_is_not_in_the_file_is_the_nearest_above_it():
    document, _ = compose("route:\n  routes:\n    - receiver: a\n")
    place = document.position(("route", "routes", 0, "union-tag", "digest"))
    assert (place.line, place.column) == (3, 7)


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        pytest.param("a: 1\na: 2", "'a' stands here twice (first on line 1)", 2, 1, id="duplicate-key"),
        pytest.param("x: {a: 1, a: 2}", "'a' stands here twice (first on line 1)", 1, 11, id="duplicate-in-flow"),
        pytest.param("a: &a {k: 1, k: 2}\nb: *a", "'k' stands here twice (first on line 1)", 1, 14, id="said-once"),
        pytest.param(
            "a: !!python/object:os.system x",
            "tags are not supported; a text that begins with ! needs quotes",
            1,
            4,
            id="tag",
        ),
        pytest.param(
            "a: !!int '3'", "tags are not supported; a text that begins with ! needs quotes", 1, 4, id="number-tag"
        ),
        pytest.param(
            "a: !mine [x]", "tags are not supported; a text that begins with ! needs quotes", 1, 4, id="tagged-list"
        ),
        pytest.param(
            "a: {<<: 3}", "only a mapping, or a list of mappings, can be merged with '<<'", 1, 9, id="merged-number"
        ),
        pytest.param('a: "\\0"', "the character U+0000 is not allowed", 1, 4, id="nul-in-text"),
    ],
)
def test_some_mistakes_leave_the_rest_readable(text, message, line, column):
    _, (fault,) = compose(text)
    assert (fault.message, fault.at.line, fault.at.column) == (message, line, column)


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        pytest.param(
            "route:\n\treceiver: a", "a tab stands in the indentation: YAML takes spaces only", 2, 1, id="tab"
        ),
        pytest.param(
            "a: 'b\nc: d",
            "not valid YAML: found unexpected end of stream, while scanning a quoted scalar that begins on line 1",
            2,
            5,
            id="open-quote",
        ),
        pytest.param(
            "a: b: c", "not valid YAML: mapping values are not allowed in this context", 1, 5, id="two-colons"
        ),
        pytest.param(
            "a: @b",
            "not valid YAML: found character that cannot start any token",
            1,
            4,
            id="at-sign",
        ),
        pytest.param(
            "a: *b",
            "no anchor before this alias has its name; a text that begins with * needs quotes",
            1,
            4,
            id="unknown-alias",
        ),
        pytest.param(
            "a: &a [*a]",
            "no anchor before this alias has its name; a text that begins with * needs quotes",
            1,
            8,
            id="alias-of-itself",
        ),
        pytest.param("a: 1\n---\nb: 2", "a second document begins here; a file holds one", 2, 1, id="two-documents"),
        pytest.param("? [a]\n: b", "a key must be a word", 1, 3, id="list-as-key"),
        pytest.param("'': b", "a key must be a word", 1, 1, id="empty-key"),
        pytest.param("a: \x07", "the character U+0007 is not allowed", 1, 4, id="control-character"),
        pytest.param("a: 1\nb: \ud800", "the character U+D800 is not allowed", 2, 4, id="surrogate"),
    ],
)
def test_other_mistakes_end_the_reading(text, message, line, column):
    with pytest.raises(UnreadableError) as caught:
        compose(text)
    fault = caught.value.fault
    assert (fault.message, fault.at.line, fault.at.column) == (message, line, column)


@pytest.mark.parametrize("text", ["", " \n", "# nothing here\n", "---\n# nor here"])
def test_a_file_that_says_nothing_is_called_empty(text):
    with pytest.raises(UnreadableError, match="the file is empty"):
        compose(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(alias_bomb(), "aliases expand to more than 100,000 values", id="alias-bomb"),
        pytest.param(merge_bomb(), "aliases expand to more than 100,000 values", id="nested-merge"),
        pytest.param("[" * 300, "nested more than 32 levels deep", id="deep-flow"),
        pytest.param("[" * 3000, "exceeded maximum nesting depth", id="deeper-than-the-parser-goes"),
        pytest.param("{a: " * 3000, "nested more than 32 levels deep", id="deep-mappings"),
        pytest.param(
            "\n".join(" " * depth + "a:" for depth in range(300)), "nested more than 32 levels deep", id="deep-block"
        ),
        pytest.param("- " * 300_000, "nested more than 32 levels deep", id="deep-dashes"),
        pytest.param("a: &a x\nb: [" + "*a," * 101 + "]", "the file has more than 100 aliases", id="many-aliases"),
        pytest.param("[" + "1," * 500_000 + "]", "the file has more than 100,000 values", id="many-values"),
        pytest.param("a: &a x\nb: {<<: [" + "*a," * 3000 + "]}", "the file has more than 100 aliases", id="long-merge"),
    ],
)
def test_what_explodes_is_refused_at_once(text, message):
    begun = time.perf_counter()
    with pytest.raises(UnreadableError) as caught:
        compose(text)
    assert message in str(caught.value)
    assert time.perf_counter() - begun < 60
