import time

import pytest

from alertsvc.core.route import Op
from alertsvc.matchers import MatcherError, compile_pattern, new_matcher, parse_matcher, parse_matchers, read_matchers


def said(text):
    return [(matcher.name, str(matcher.op), matcher.value) for matcher in parse_matchers(text)]


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        pytest.param("foo = bar", [("foo", "=", "bar")], id="documented-spaces-around"),
        pytest.param("foo=bar", [("foo", "=", "bar")], id="no-quotes"),
        pytest.param("dings !=bums", [("dings", "!=", "bums")], id="documented-not-equal"),
        pytest.param('foo = "bar,baz"', [("foo", "=", "bar,baz")], id="comma-in-quotes"),
        pytest.param(
            'quote != "She said: \\"Hi, all!( How\'s it going…)\\""',
            [("quote", "!=", 'She said: "Hi, all!( How\'s it going…)"')],
            id="documented-quotes-in-quotes",
        ),
        pytest.param('statuscode=~"5.."', [("statuscode", "=~", "5..")], id="documented-regex"),
        pytest.param('tricky=~"[[:alpha:]]+"', [("tricky", "=~", "[[:alpha:]]+")], id="regex-class"),
        pytest.param("a!~b.*", [("a", "!~", "b.*")], id="not-matching"),
        pytest.param(
            '{ foo = "bar", dings != "bums" }', [("foo", "=", "bar"), ("dings", "!=", "bums")], id="documented-braces"
        ),
        pytest.param("{foo=bar,dings!=bums}", [("foo", "=", "bar"), ("dings", "!=", "bums")], id="braces-no-quotes"),
        pytest.param('{a="b",c=~"d"}', [("a", "=", "b"), ("c", "=~", "d")], id="braces-two-operators"),
        pytest.param("foo=bar, dings!=bums", [("foo", "=", "bar"), ("dings", "!=", "bums")], id="list-no-braces"),
        pytest.param('{foo="bar",}', [("foo", "=", "bar")], id="trailing-comma"),
        pytest.param("foo=bar,", [("foo", "=", "bar")], id="trailing-comma-no-braces"),
        pytest.param("{}", [], id="empty-braces"),
        pytest.param("foo=", [("foo", "=", "")], id="empty-no-quotes"),
        pytest.param('foo=""', [("foo", "=", "")], id="empty-quotes"),
        pytest.param('foo="a\\nb"', [("foo", "=", "a\nb")], id="escaped-line-break"),
        pytest.param('foo="a\\\\b"', [("foo", "=", "a\\b")], id="escaped-backslash"),
        pytest.param('foo=~"\\d+"', [("foo", "=~", "\\d+")], id="other-backslashes-stay"),
        pytest.param('foo=a\\"b', [("foo", "=", 'a"b')], id="escaped-quote-no-quotes"),
        pytest.param("foo=bar baz", [("foo", "=", "bar baz")], id="space-no-quotes"),
        pytest.param('  foo  =~  "b"  ', [("foo", "=~", "b")], id="spaces-everywhere"),
        pytest.param('foo="{a}"', [("foo", "=", "{a}")], id="braces-in-quotes"),
        pytest.param("{foo=~a{2}}", [("foo", "=~", "a{2}")], id="repetition-in-braces"),
        pytest.param('foo:bar_1="x"', [("foo:bar_1", "=", "x")], id="classic-name"),
        pytest.param('"foo bar"="x"', [("foo bar", "=", "x")], id="name-in-quotes"),
        pytest.param('foo.bar="x"', [("foo.bar", "=", "x")], id="name-with-dot"),
        pytest.param('fü="x"', [("fü", "=", "x")], id="name-beyond-ascii"),
        pytest.param('"a\\tb"="c\\u00e9\\U0001f642\\101"', [("a\tb", "=", "cé🙂A")], id="go-escapes-with-quoted-name"),
        pytest.param('foo="🙂 e\u0301"', [("foo", "=", "🙂 e\u0301")], id="no-normalisation"),
    ],
)
def test_a_matcher_means_what_it_means_in_alertmanager(text, conditions):
    assert said(text) == conditions


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        pytest.param("severity", 8, "one of = != =~ !~ is needed after 'severity'", id="no-operator"),
        pytest.param(
            "severity critical", 9, 'an operator is missing; did you mean severity="critical"?', id="space-for-operator"
        ),
        pytest.param("severity: critical", 8, ': is no operator; did you mean severity="critical"?', id="yaml-inside"),
        pytest.param('a=="b"', 1, '== is no operator; did you mean a="b"?', id="two-equal-signs"),
        pytest.param('a="x", b == "c"', 9, '== is no operator; did you mean b="c"?', id="slip-in-the-second-one"),
        pytest.param("team ~= ml", 5, '~= is no operator; did you mean team=~"ml"?', id="turned-round"),
        pytest.param("a<>b", 1, '<> is no operator; did you mean a!="b"?', id="sql"),
        pytest.param("a!b", 1, '! is no operator; did you mean a!="b"?', id="half-an-operator"),
        pytest.param(
            '="x"', 0, 'a label name is missing: a matcher such as severity="critical" is needed', id="no-name"
        ),
        pytest.param(
            ',a="x"', 0, 'a label name is missing: a matcher such as severity="critical" is needed', id="leading-comma"
        ),
        pytest.param('a="x', 2, "the value that begins here has no closing quote", id="open-quote"),
        pytest.param('"a=x', 0, "the name that begins here has no closing quote", id="open-name-quote"),
        pytest.param(
            'a=x"y',
            3,
            'a double quote stands inside a value without quotes; escape it as \\" inside quotes',
            id="quote-inside",
        ),
        pytest.param(
            'a="say "hi""',
            7,
            'a comma is missing after this quote, or a double quote inside quotes is written \\"',
            id="quotes-in-quotes",
        ),
        pytest.param('a="x" b="y"', 6, "a comma is missing", id="no-comma"),
        pytest.param('{a="x" b="y"}', 7, "a comma is missing", id="no-comma-in-braces"),
        pytest.param('a="x";b="y"', 5, "a comma is missing", id="semicolon"),
        pytest.param('a="x" and b="y"', 6, "a comma is missing", id="and"),
        pytest.param('{"a b"="x"', 10, "the closing brace is missing", id="open-brace"),
        pytest.param('{a="x"}}', 7, "nothing may follow the closing brace", id="second-brace"),
        pytest.param("fü=", 3, 'a value is missing; an empty one is ""', id="newer-grammar-empty"),
        pytest.param('"a b"=c d', 6, "a value with spaces must stand in double quotes", id="newer-grammar-space"),
        pytest.param('"a b"=~c{2}', 7, "a value with { must stand in double quotes", id="newer-grammar-brace"),
        pytest.param('"a b"=c=d', 6, "a value with = must stand in double quotes", id="newer-grammar-operator"),
        pytest.param("'a'=\"b\"", 0, "only double quotes quote here", id="name-in-single-quotes"),
        pytest.param('a=~"("', 3, "not a regular expression that RE2 takes: missing ): (", id="bad-regex"),
        pytest.param(
            'a=~"b(?=c)"', 3, "not a regular expression that RE2 takes: invalid perl operator: (?=", id="look-ahead"
        ),
        pytest.param(
            'a=~"(b)\\\\1"',
            3,
            "not a regular expression that RE2 takes: invalid escape sequence: \\1",
            id="back-reference",
        ),
        pytest.param(
            'a=~"b\\\\C"',
            3,
            r"not a regular expression that Alertmanager takes: invalid escape sequence: \C",
            id="half-a-character",
        ),
        pytest.param(f'a="{"b" * 17_000}"', 0, "matchers may have at most 16,384 characters", id="long"),
        pytest.param("a=b," * 33, 128, "one text may have at most 32 matchers", id="many"),
        pytest.param('"a b"="\\d"', 7, r"\d is no escape here; a backslash is written \\", id="bad-go-escape"),
        pytest.param('"a b"="c\nd"', 8, r"a line break inside quotes is written \n", id="line-break-in-newer-quotes"),
        pytest.param('"a b"="\\ud800"', 7, r"\ud800 is no character", id="surrogate-escape"),
        pytest.param('"a b"="\\xff"', 6, "the escapes in these quotes give no UTF-8", id="bytes-that-are-no-text"),
        pytest.param("a=\ud800", 2, "this character is half of a pair and so is no text", id="surrogate"),
    ],
)
def test_what_is_no_matcher_is_refused_with_its_place(text, offset, message):
    with pytest.raises(MatcherError) as caught:
        parse_matchers(text)
    assert (str(caught.value), caught.value.offset) == (message, offset)


@pytest.mark.parametrize(
    ("text", "read", "doubts"),
    [
        pytest.param('foo="bar"', 'foo="bar"', [], id="plain"),
        pytest.param('foo=~"bar"', 'foo=~"bar"', [], id="expression-that-could-be-equality"),
        pytest.param('"a b"="c"', '"a b"="c"', [], id="only-the-newer-grammar"),
        pytest.param("{}", "", [], id="no-matchers-on-purpose"),
        pytest.param("", "", [(0, "there is no matcher in this text, so it fits every alert")], id="empty"),
        pytest.param('""="x"', '""="x"', [(0, "no alert has a label without a name")], id="empty-name"),
        pytest.param(
            "a='b',c='d'",
            "a=\"'b'\",c=\"'d'\"",
            [
                (2, 'single quotes do not quote here, they are part of the value; did you mean a="b"?'),
                (8, 'single quotes do not quote here, they are part of the value; did you mean c="d"?'),
            ],
            id="single-quotes",
        ),
        pytest.param(
            "a==b", 'a="=b"', [(2, 'one = compares, the second one is part of the value; did you mean a="b"?')], id="=="
        ),
        pytest.param(
            "a=b}",
            'a="b"',
            [(3, 'only Alertmanager\'s classic grammar takes this: this brace closes nothing; it is read as a="b"')],
            id="closing-brace",
        ),
        pytest.param(
            '{a="b"',
            'a="b"',
            [
                (
                    6,
                    "only Alertmanager's classic grammar takes this: the closing brace is missing; it is read as"
                    ' a="b"',
                )
            ],
            id="opening-brace",
        ),
        pytest.param(
            "a=~b{2}",
            'a=~"b{2"',
            [
                (
                    3,
                    "only Alertmanager's classic grammar takes this: a value with { must stand in double quotes;"
                    ' it is read as a=~"b{2"',
                )
            ],
            id="repetition-that-loses-its-brace",
        ),
        pytest.param(
            "a=b c",
            'a="b c"',
            [
                (
                    2,
                    "only Alertmanager's classic grammar takes this: a value with spaces must stand in double quotes;"
                    ' it is read as a="b c"',
                )
            ],
            id="spaces-without-quotes",
        ),
        pytest.param(
            'a=~"\\d+"',
            'a=~"\\\\d+"',
            [
                (
                    4,
                    "only Alertmanager's classic grammar takes this: \\d is no escape here; a backslash is written"
                    ' \\\\; it is read as a=~"\\\\d+"',
                )
            ],
            id="single-backslash",
        ),
        pytest.param(
            'x="y",a="\\x41"',
            'x="y",a="\\\\x41"',
            [
                (
                    8,
                    "Alertmanager's two grammars read this differently, and the classic one holds:"
                    ' x="y",a="\\\\x41", not x="y",a="A"',
                )
            ],
            id="read-differently",
        ),
        pytest.param(
            'a=~"b)|(c"',
            'a=~"b)|(c"',
            [(3, "the parentheses do not fit together; it is read as '^(?:b)|(c)$'")],
            id="split-group",
        ),
    ],
)
def test_what_alertmanager_takes_silently_is_taken_with_a_doubt(text, read, doubts):
    reading = read_matchers(text)
    assert ",".join(map(str, reading.matchers)) == read
    assert [(doubt.offset, doubt.message) for doubt in reading.doubts] == doubts


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        pytest.param("{a=b}", 0, "one matcher is needed here, and braces are for several", id="braces"),
        pytest.param("a=b}", 3, "one matcher is needed here, and braces are for several", id="closing-brace"),
        pytest.param("", 0, 'a matcher such as severity="critical" is needed', id="empty"),
        pytest.param('"a b"=c,d=e', 8, "one matcher is needed here, and there are 2", id="two"),
    ],
)
def test_where_one_matcher_is_needed_others_are_refused(text, offset, message):
    with pytest.raises(MatcherError) as caught:
        parse_matcher(text)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


@pytest.mark.parametrize(
    ("text", "labels", "fits"),
    [
        pytest.param('a="b"', {"a": "b"}, True, id="equal"),
        pytest.param('a="b"', {}, False, id="equal-missing"),
        pytest.param('a=""', {}, True, id="empty-fits-missing"),
        pytest.param('a!="b"', {}, True, id="not-equal-fits-missing"),
        pytest.param('a!=""', {"a": "x"}, True, id="has-the-label"),
        pytest.param('a=~"b|c"', {"a": "c"}, True, id="regex"),
        pytest.param('a=~"b"', {"a": "abc"}, False, id="regex-is-anchored"),
        pytest.param('a=~"b|c"', {"a": "xc"}, False, id="alternatives-are-anchored"),
        pytest.param('a=~".*"', {}, True, id="regex-fits-missing"),
        pytest.param('a=~".+"', {}, False, id="regex-needs-the-label"),
        pytest.param('a!~"b.*"', {}, True, id="not-matching-fits-missing"),
        pytest.param('a!~"b.*"', {"a": "bc"}, False, id="not-matching"),
        pytest.param('a=~"b"', {"a": "b\n"}, False, id="end-is-the-end-of-the-text"),
        pytest.param('a=~"b.c"', {"a": "b\nc"}, False, id="dot-is-no-line-break"),
        pytest.param('a=~"(?i)B"', {"a": "b"}, True, id="flags"),
        pytest.param('a=~"é."', {"a": "éü"}, True, id="characters-not-bytes"),
        pytest.param('a=~".*"', {"a": "\ud800"}, True, id="broken-text-raises-nothing"),
        pytest.param('a=~".*"', {"a": "x\x00y"}, True, id="nul"),
        pytest.param('a=~"b)|(c"', {"a": "xc"}, True, id="split-group-is-held-at-one-end"),
    ],
)
def test_a_missing_label_is_empty_and_expressions_are_anchored(text, labels, fits):
    (matcher,) = parse_matchers(text)
    assert matcher.fits(labels) is fits


def test_an_evil_expression_takes_no_time():
    (matcher,) = parse_matchers('a=~"(a+)+$"')
    begun = time.perf_counter()
    assert not matcher.fits({"a": "a" * 50_000 + "!"})
    assert time.perf_counter() - begun < 1


def test_a_matcher_reads_back_as_it_was():
    (matcher,) = parse_matchers('a=~"x\\"y\\\\z\\n"')
    assert matcher.op is Op.MATCHES
    assert parse_matchers(str(matcher)) == (matcher,)


def test_an_expression_may_have_16_kib():
    assert compile_pattern("b" * 16_384)("b" * 16_384)
    with pytest.raises(ValueError, match="at most 16,384 bytes"):
        compile_pattern("b" * 16_385)


@pytest.mark.parametrize(
    ("matcher", "text"),
    [
        pytest.param(new_matcher("team", Op.EQUAL, "ml"), 'team="ml"', id="classic-name"),
        pytest.param(new_matcher("a.b", Op.EQUAL, "x"), '"a.b"="x"', id="newer-name"),
        pytest.param(new_matcher('a "b"', Op.NOT_MATCHES, "x"), '"a \\"b\\""!~"x"', id="quotes-in-a-name"),
    ],
)
def test_a_name_that_is_not_classic_is_written_in_quotes(matcher, text):
    assert str(matcher) == text
    assert parse_matchers(text) == (matcher,)
