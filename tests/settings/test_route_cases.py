"""The file that says where alerts must go."""

import pytest

from alertsvc.settings.errors import ConfigError
from alertsvc.settings.route_cases import load_cases


def test_a_case_has_labels_and_receivers_and_maybe_a_name(tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(
        "- {labels: {team: fraud, port: '80'}, receivers: [a, b], name: pages}\n\n- labels: {}\n  receivers: [a]\n"
    )
    (first, first_line), (second, second_line) = load_cases(path)
    assert (first.labels, first.receivers, first.name) == ({"team": "fraud", "port": "80"}, ("a", "b"), "pages")
    assert (first.shown(1), second.shown(2)) == ("case 'pages'", "case 2")
    assert (first_line, second_line) == (1, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("- {labels: {a: b}}", "'receivers' is missing", id="no-receivers"),
        pytest.param("- {receivers: [a]}", "'labels' is missing", id="no-labels"),
        pytest.param("- {labels: {}, receiver: [a]}", "unknown key 'receiver'; did you mean 'receivers'?", id="slip"),
        pytest.param("- {labels: {port: 80}, receivers: [a]}", "text is needed, got a number", id="no-text"),
        pytest.param("- {labels: {}, receivers: a}", "a list is needed, got text", id="no-list-of-receivers"),
        pytest.param("labels: {}", "a list is needed, got a mapping", id="no-list-of-cases"),
        pytest.param("- {labels: {a: b, a: c}, receivers: []}", "'a' stands here twice", id="label-twice"),
        pytest.param("- [", "", id="no-yaml"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, message, tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"cases\.yaml") as caught:
        load_cases(path)
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_a_mistake(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: no such file"):
        load_cases(tmp_path / "none.yaml")
