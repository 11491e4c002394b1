"""What is taken and may not mean what its author thinks is said with its place, and stops nothing."""

import json

import pytest
from click.testing import CliRunner

from alertsvc.cli import main
from alertsvc.settings import load_text
from tests.settings.kinds import KINDS

QUOTES = 'single quotes do not quote here, they are part of the value; did you mean a="b"?'


def configuration(matchers):
    return f"route:\n  receiver: r\n  routes:\n  - matchers: {matchers}\nreceivers: [{{name: r}}]\n"


def warnings(text):
    return [str(problem) for problem in load_text(text, "a.yaml", KINDS).warnings]


def test_a_warning_has_its_place_and_a_caret():
    assert warnings(configuration("""['x="y"', "team='ml'"]""")) == [
        "a.yaml:4:31: warning: route.routes[0].matchers[1]: single quotes do not quote here, they are part of the"
        ' value; did you mean team="ml"?\n'
        """  - matchers: ['x="y"', "team='ml'"]\n"""
        "                              ^"
    ]


@pytest.mark.parametrize(
    ("matchers", "place"),
    [
        pytest.param("[a='b']", "4:18", id="plain"),
        pytest.param("a='b'", "4:17", id="one-text"),
        pytest.param("['a=''b''']", "4:19", id="single-quotes-doubled"),
        pytest.param("""['x="it''s",a=''b''']""", "4:29", id="single-quotes-doubled-before"),
        pytest.param("""["x=\\"y\\",a='b'"]""", "4:27", id="double-quotes-escaped-before"),
        pytest.param("""["x=\\u00e9,a='b'"]""", "4:28", id="character-escaped-before"),
        pytest.param("[&x a='b']", "4:21", id="anchor-before"),
        pytest.param("\n    - |\n      x=y,\n      a='b'", "7:9", id="block"),
        pytest.param("[\"x=y,\n     a='b'\"]", "4:16", id="folded-text-as-a-whole"),
    ],
)
def test_the_place_is_the_very_character(matchers, place):
    (warning,) = load_text(configuration(matchers), "a.yaml", KINDS).warnings
    assert f"{warning.line}:{warning.column}" == place
    assert warning.message == QUOTES


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(configuration("""['a="b"', 'c=~"d"']"""), id="plain-equality-as-an-expression"),
        pytest.param(configuration("""['"a b"="c"']"""), id="newer-grammar"),
        pytest.param(
            "route: {receiver: r, routes: [{match: {matchers: \"a='b'\"}}]}\nreceivers: [{name: r}]\n",
            id="a-label-called-matchers",
        ),
    ],
)
def test_what_is_clear_has_no_warning(text):
    assert warnings(text) == []


def test_correlate_rules_and_expressions_of_maps_are_looked_at():
    text = """\
correlate: [{name: c, by: [a], matchers: "a='b'"}]
route: {receiver: r, routes: [{match_re: {a: "b)|(c"}}]}
receivers: [{name: r}]
"""
    assert [problem.path for problem in load_text(text, "a.yaml", KINDS).warnings] == [
        "correlate[0].matchers",
        "route.routes[0].match_re.a",
    ]


def test_one_text_may_hold_all_matchers():
    root = load_text(configuration("""'a="b",c!="d"'"""), "a.yaml", KINDS).rules.root
    assert [str(matcher) for matcher in root.routes[0].matchers] == ['a="b"', 'c!="d"']


def checked(tmp_path, text, *options):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    return path, CliRunner().invoke(main, ["check-config", *options, str(path)])


def test_check_config_shows_warnings_and_is_content(tmp_path):
    path, result = checked(tmp_path, configuration("[a='b']"))
    assert result.exit_code == 0
    assert f"{path}:4:18: warning: route.routes[0].matchers[0]: {QUOTES}" in result.stderr
    assert result.stdout == f"{path}: OK\n"


def test_check_config_tells_machines_which_is_a_warning(tmp_path):
    path, result = checked(tmp_path, configuration("[a='b']"), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [
        {
            "file": str(path),
            "line": 4,
            "column": 18,
            "path": "route.routes[0].matchers[0]",
            "message": QUOTES,
            "level": "warning",
        }
    ]


def test_check_config_still_refuses_a_mistake(tmp_path):
    _, result = checked(tmp_path, configuration("[a]"), "--json")
    assert result.exit_code == 3
    assert [problem["level"] for problem in json.loads(result.stdout)] == ["error"]
