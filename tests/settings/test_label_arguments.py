"""Labels on a command line."""

import pytest

from alertsvc.settings.label_arguments import parse_label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        pytest.param("team=fraud", ("team", "fraud"), id="plain"),
        pytest.param('team="fraud"', ("team", "fraud"), id="quoted"),
        pytest.param("team=a,b", ("team", "a,b"), id="a-comma-is-part-of-it"),
        pytest.param("team=", ("team", ""), id="empty"),
        pytest.param('team=""', ("team", ""), id="empty-in-quotes"),
        pytest.param(" team = fraud ", ("team", "fraud"), id="spaces-around"),
        pytest.param("team=a b", ("team", "a b"), id="a-space-inside"),
        pytest.param("expr=a=b", ("expr", "a=b"), id="only-the-first-sign-counts"),
        pytest.param(r'team="a\"b"', ("team", 'a"b'), id="an-escaped-quote"),
        pytest.param('"a b"="c"', ("a b", "c"), id="a-name-in-quotes"),
        pytest.param("größe=5", ("größe", "5"), id="any-letters"),
    ],
)
def test_a_label_has_a_name_and_a_value(text, label):
    assert parse_label(text) == label


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("team", id="no-sign"),
        pytest.param("=fraud", id="no-name"),
        pytest.param("team!=fraud", id="not-equal"),
        pytest.param("team=~fraud", id="matches"),
        pytest.param("team!~fraud", id="not-matching"),
        pytest.param("{team=fraud}", id="braces"),
        pytest.param('team="a",env="b"', id="two"),
        pytest.param('team="a', id="an-open-quote"),
        pytest.param("", id="nothing"),
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="a label such as team=fraud is needed, got"):
        parse_label(text)
