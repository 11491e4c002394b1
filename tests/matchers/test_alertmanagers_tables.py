"""Alertmanager's own tables for its two grammars and for the choice between them, as its tests have them.

Source: pkg/labels/parse_test.go, matcher/parse/parse_test.go and matcher/compat/parse_test.go.
"""

import pytest

from alertsvc.matchers import MatcherError, classic, parse_matcher, parse_matchers, utf8
from alertsvc.matchers.conditions import matchers_of


def said(parse, text):
    """The conditions as (name, operator, value), or None for a text that is refused."""
    try:
        found = parse(text)
    except MatcherError:
        return None
    return [(matcher.name, str(matcher.op), matcher.value) for matcher in found]


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        pytest.param("{}", [], id="{}"),
        pytest.param(",", None, id=","),
        pytest.param("{,}", None, id="{,}"),
        pytest.param("{foo='}", [("foo", "=", "'")], id="{foo='}"),
        pytest.param("{foo=`}", [("foo", "=", "`")], id="{foo=`}"),
        pytest.param('{foo=\\"}', [("foo", "=", '"')], id='{foo=\\"}'),
        pytest.param("{foo=bar}", [("foo", "=", "bar")], id="{foo=bar}"),
        pytest.param('{foo="bar"}', [("foo", "=", "bar")], id='{foo="bar"}'),
        pytest.param("{foo=~bar.*}", [("foo", "=~", "bar.*")], id="{foo=~bar.*}"),
        pytest.param('{foo=~"bar.*"}', [("foo", "=~", "bar.*")], id='{foo=~"bar.*"}'),
        pytest.param("{foo!=bar}", [("foo", "!=", "bar")], id="{foo!=bar}"),
        pytest.param('{foo!="bar"}', [("foo", "!=", "bar")], id='{foo!="bar"}'),
        pytest.param("{foo!~bar.*}", [("foo", "!~", "bar.*")], id="{foo!~bar.*}"),
        pytest.param('{foo!~"bar.*"}', [("foo", "!~", "bar.*")], id='{foo!~"bar.*"}'),
        pytest.param(
            '{foo="bar", baz!="quux"}', [("foo", "=", "bar"), ("baz", "!=", "quux")], id='{foo="bar", baz!="quux"}'
        ),
        pytest.param(
            '{foo="bar", baz!~"quux.*"}',
            [("foo", "=", "bar"), ("baz", "!~", "quux.*")],
            id='{foo="bar", baz!~"quux.*"}',
        ),
        pytest.param(
            '{foo="bar",baz!~".*quux", derp="wat"}',
            [("foo", "=", "bar"), ("baz", "!~", ".*quux"), ("derp", "=", "wat")],
            id='{foo="bar",baz!~".*quux", derp="wat"}',
        ),
        pytest.param(
            '{foo="bar", baz!="quux", derp="wat"}',
            [("foo", "=", "bar"), ("baz", "!=", "quux"), ("derp", "=", "wat")],
            id='{foo="bar", baz!="quux", derp="wat"}',
        ),
        pytest.param(
            '{foo="bar", baz!~".*quux.*", derp="wat"}',
            [("foo", "=", "bar"), ("baz", "!~", ".*quux.*"), ("derp", "=", "wat")],
            id='{foo="bar", baz!~".*quux.*", derp="wat"}',
        ),
        pytest.param(
            '{foo="bar", instance=~"some-api.*"}',
            [("foo", "=", "bar"), ("instance", "=~", "some-api.*")],
            id='{foo="bar", instance=~"some-api.*"}',
        ),
        pytest.param('{foo=""}', [("foo", "=", "")], id='{foo=""}'),
        pytest.param(
            '{foo="bar,quux", job="job1"}',
            [("foo", "=", "bar,quux"), ("job", "=", "job1")],
            id='{foo="bar,quux", job="job1"}',
        ),
        pytest.param(
            '{foo = "bar", dings != "bums", }',
            [("foo", "=", "bar"), ("dings", "!=", "bums")],
            id='{foo = "bar", dings != "bums", }',
        ),
        pytest.param("foo=bar,dings!=bums", [("foo", "=", "bar"), ("dings", "!=", "bums")], id="foo=bar,dings!=bums"),
        pytest.param(
            '{quote="She said: \\"Hi, ladies! That\'s gender-neutral…\\""}',
            [("quote", "=", 'She said: "Hi, ladies! That\'s gender-neutral…"')],
            id='{quote="She said: \\"Hi, ladies! That\'s gender-neutral…\\""}',
        ),
        pytest.param('statuscode=~"5.."', [("statuscode", "=~", "5..")], id='statuscode=~"5.."'),
        pytest.param("tricky=~~~", [("tricky", "=~", "~~")], id="tricky=~~~"),
        pytest.param('trickier==\\\\=\\=\\"', [("trickier", "=", '=\\=\\="')], id='trickier==\\\\=\\=\\"'),
        pytest.param(
            'contains_quote != "\\"" , contains_comma !~ "foo,bar" , ',
            [("contains_quote", "!=", '"'), ("contains_comma", "!~", "foo,bar")],
            id='contains_quote != "\\"" , contains_comma !~ "foo,bar" , ',
        ),
        pytest.param("{foo=bar}}", [("foo", "=", "bar}")], id="{foo=bar}}"),
        pytest.param("{foo=bar}},}", [("foo", "=", "bar}}")], id="{foo=bar}},}"),
        pytest.param("{foo=,bar=}}", [("foo", "=", ""), ("bar", "=", "}")], id="{foo=,bar=}}"),
        pytest.param("{foo=bar\\t}", [("foo", "=", "bar\\t")], id="{foo=bar\\t}"),
        pytest.param("{foo=bar\\n}", [("foo", "=", "bar\n")], id="{foo=bar\\n}"),
        pytest.param("{foo=bar\\}", [("foo", "=", "bar\\")], id="{foo=bar\\}"),
        pytest.param("{foo=bar\\\\}", [("foo", "=", "bar\\")], id="{foo=bar\\\\}"),
        pytest.param('{foo=bar\\"}', [("foo", "=", 'bar"')], id='{foo=bar\\"}'),
        pytest.param("job=", [("job", "=", "")], id="job="),
        pytest.param('job="value', None, id='job="value'),
        pytest.param('job=value"', None, id='job=value"'),
        pytest.param('trickier==\\\\=\\=\\""', None, id='trickier==\\\\=\\=\\""'),
        pytest.param('contains_unescaped_quote = foo"bar', None, id='contains_unescaped_quote = foo"bar'),
        pytest.param('{invalid-name = "valid label"}', None, id='{invalid-name = "valid label"}'),
        pytest.param('{foo=~"invalid[regexp"}', None, id='{foo=~"invalid[regexp"}'),
        pytest.param('"{foo=\\"bar"}', None, id='"{foo=\\"bar"}'),
        pytest.param('"foo=\\"bar"', None, id='"foo=\\"bar"'),
        pytest.param('"foo=\\"bar\\""', None, id='"foo=\\"bar\\""'),
        pytest.param('"foo=\\"bar\\"', None, id='"foo=\\"bar\\"'),
        pytest.param('"{foo=\\"bar\\"}"', None, id='"{foo=\\"bar\\"}"'),
        pytest.param('"foo="bar""', None, id='"foo="bar""'),
        pytest.param("{{foo=", None, id="{{foo="),
        pytest.param("{foo=", [("foo", "=", "")], id="{foo="),
        pytest.param("{foo=}b", [("foo", "=", "}b")], id="{foo=}b"),
    ],
)
def test_the_classic_grammar_is_alertmanagers(text, conditions):
    assert said(lambda text: matchers_of(classic.parse(text)), text) == conditions


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        pytest.param("", [], id="no braces"),
        pytest.param("{}", [], id="open and closing braces"),
        pytest.param("{foo=bar}", [("foo", "=", "bar")], id="equals"),
        pytest.param("{foo=bar,}", [("foo", "=", "bar")], id="equals with trailing comma"),
        pytest.param("{foo!=bar}", [("foo", "!=", "bar")], id="not equals"),
        pytest.param("{foo=~[a-z]+}", [("foo", "=~", "[a-z]+")], id="match regex"),
        pytest.param("{foo!~[a-z]+}", [("foo", "!~", "[a-z]+")], id="doesn't match regex"),
        pytest.param("{foo=🙂}", [("foo", "=", "🙂")], id="equals unicode emoji"),
        pytest.param("{foo=🙂bar}", [("foo", "=", "🙂bar")], id="equals unicode sentence"),
        pytest.param("foo=bar", [("foo", "=", "bar")], id="equals without braces"),
        pytest.param("foo=bar,", [("foo", "=", "bar")], id="equals without braces but with trailing comma"),
        pytest.param("foo!=bar", [("foo", "!=", "bar")], id="not equals without braces"),
        pytest.param("foo=~[a-z]+", [("foo", "=~", "[a-z]+")], id="match regex without braces"),
        pytest.param("foo!~[a-z]+", [("foo", "!~", "[a-z]+")], id="doesn't match regex without braces"),
        pytest.param('{"foo"="bar"}', [("foo", "=", "bar")], id="equals in quotes"),
        pytest.param('{"foo"="bar",}', [("foo", "=", "bar")], id="equals in quotes and with trailing comma"),
        pytest.param('{"foo"!="bar"}', [("foo", "!=", "bar")], id="not equals in quotes"),
        pytest.param('{"foo"=~"[a-z]+"}', [("foo", "=~", "[a-z]+")], id="match regex in quotes"),
        pytest.param('{"foo"=~"\\\\d+"}', [("foo", "=~", "\\d+")], id="match regex digit in quotes"),
        pytest.param('{"foo"!~"[a-z]+"}', [("foo", "!~", "[a-z]+")], id="doesn't match regex in quotes"),
        pytest.param('{"foo"="🙂"}', [("foo", "=", "🙂")], id="equals unicode emoji in quotes"),
        pytest.param(
            '{"foo"="\\xf0\\x9f\\x99\\x82"}', [("foo", "=", "🙂")], id="equals unicode emoji as bytes in quotes"
        ),
        pytest.param('{"foo"="\\U0001f642"}', [("foo", "=", "🙂")], id="equals unicode emoji as code points in quotes"),
        pytest.param('{"foo"="🙂bar"}', [("foo", "=", "🙂bar")], id="equals unicode sentence in quotes"),
        pytest.param('{"foo"="bar\\n"}', [("foo", "=", "bar\n")], id="equals with newline in quotes"),
        pytest.param('{"foo"="bar\\t"}', [("foo", "=", "bar\t")], id="equals with tab in quotes"),
        pytest.param('{"foo"="\\"bar\\""}', [("foo", "=", '"bar"')], id="equals with escaped quotes in quotes"),
        pytest.param('{"foo"="bar\\\\"}', [("foo", "=", "bar\\")], id="equals with escaped backslash in quotes"),
        pytest.param('"foo"="bar"', [("foo", "=", "bar")], id="equals without braces in quotes"),
        pytest.param('"foo"="bar",', [("foo", "=", "bar")], id="equals without braces in quotes with trailing comma"),
        pytest.param("{foo=bar,bar!=baz}", [("foo", "=", "bar"), ("bar", "!=", "baz")], id="complex"),
        pytest.param('{foo="bar",bar!="baz"}', [("foo", "=", "bar"), ("bar", "!=", "baz")], id="complex in quotes"),
        pytest.param("foo=bar,bar!=baz", [("foo", "=", "bar"), ("bar", "!=", "baz")], id="complex without braces"),
        pytest.param(
            'foo="bar",bar!="baz"', [("foo", "=", "bar"), ("bar", "!=", "baz")], id="complex without braces in quotes"
        ),
        pytest.param(",", None, id="comma"),
        pytest.param("{,}", None, id="comma in braces"),
        pytest.param("{", None, id="open brace"),
        pytest.param("}", None, id="close brace"),
        pytest.param("foo=bar}", None, id="no open brace"),
        pytest.param("{foo=bar", None, id="no close brace"),
        pytest.param('{foo=:"bar"}', None, id="invalid input after operator and before quotes"),
        pytest.param('{foo="bar\\w"}', None, id="invalid escape sequence"),
        pytest.param('{"foo"=~"\\d+"}', None, id="invalid escape sequence regex digits"),
        pytest.param("{foo=bar\\n}", None, id="no unquoted escape sequences"),
        pytest.param('{"foo"="\\xf0\\x9f"}', None, id="invalid unicode"),
        pytest.param("foo=bar,bar=baz", [("foo", "=", "bar"), ("bar", "=", "baz")], id="two or more returns error"),
        pytest.param('foo="\\xf0\\x9f"', None, id="invalid unicode"),
    ],
)
def test_the_utf8_grammar_is_alertmanagers(text, conditions):
    assert said(lambda text: matchers_of(utf8.parse(text)), text) == conditions


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        pytest.param("{foo=bar,bar=baz}", [("foo", "=", "bar"), ("bar", "=", "baz")], id="input is accepted"),
        pytest.param("{foo!bar}", None, id="input is accepted in neither"),
        pytest.param(
            "{foo🙂=bar,bar=baz🙂}",
            [("foo🙂", "=", "bar"), ("bar", "=", "baz🙂")],
            id="input is accepted in matchers/parse but not pkg/labels",
        ),
        pytest.param(
            "{foo=!bar,bar=$baz\\n}",
            [("foo", "=", "!bar"), ("bar", "=", "$baz\n")],
            id="is accepted in pkg/labels but not matchers/parse",
        ),
        pytest.param(
            '{foo="\\xf0\\x9f\\x99\\x82"}', [("foo", "=", "\\xf0\\x9f\\x99\\x82")], id="input causes disagreement"
        ),
    ],
)
def test_the_grammar_that_holds_for_several_is_alertmanagers(text, conditions):
    assert said(parse_matchers, text) == conditions


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        pytest.param("foo=bar", [("foo", "=", "bar")], id="input is accepted"),
        pytest.param("foo🙂=bar", [("foo🙂", "=", "bar")], id="input is accepted in matchers/parse but not pkg/labels"),
        pytest.param(
            "foo=!bar\\n", [("foo", "=", "!bar\n")], id="input is accepted in pkg/labels but not matchers/parse"
        ),
        pytest.param(
            'foo="\\xf0\\x9f\\x99\\x82"', [("foo", "=", "\\xf0\\x9f\\x99\\x82")], id="input causes disagreement"
        ),
        pytest.param("foo=bar,bar=baz", [("foo", "=", "bar,bar=baz")], id="not two"),
        pytest.param("", None, id="no input"),
        pytest.param("{foo=bar}", None, id="braces"),
        pytest.param("{foo=bar", None, id="opening brace"),
        pytest.param("foo=bar}", None, id="closing brace"),
        pytest.param('"foo"=bar,', [("foo", "=", "bar")], id="comma at the end"),
        pytest.param("foo!bar", None, id="accepted in neither"),
    ],
)
def test_the_grammar_that_holds_for_one_is_alertmanagers(text, conditions):
    assert said(lambda text: (parse_matcher(text),), text) == conditions
