"""What foreign words mean, and which severity is the higher."""

import pytest

from alertsvc.core.model import Severity
from alertsvc.core.severity import KNOWN_WORDS, SeverityRule
from tests.core.builders import CRITICAL, ERROR, INFO, WARNING

OURS = SeverityRule({"sev0": CRITICAL, "p1": WARNING}, default=ERROR)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        pytest.param("critical", CRITICAL, id="ours-critical"),
        pytest.param("error", ERROR, id="ours-error"),
        pytest.param("warning", WARNING, id="ours-warning"),
        pytest.param("info", INFO, id="ours-info"),
        pytest.param("page", CRITICAL, id="prometheus-page"),
        pytest.param("none", INFO, id="prometheus-none"),
        pytest.param("P1", CRITICAL, id="p1"),
        pytest.param("P2", ERROR, id="p2"),
        pytest.param("P3", WARNING, id="p3"),
        pytest.param("P4", INFO, id="p4"),
        pytest.param("P5", INFO, id="p5"),
        pytest.param(" Critical\n", CRITICAL, id="any-case-and-spaces"),
        pytest.param("catastrophic", WARNING, id="an-unknown-word-is-the-default"),
        pytest.param("", WARNING, id="empty-is-the-default"),
        pytest.param(" ", WARNING, id="blank-is-the-default"),
        pytest.param(None, WARNING, id="missing-is-the-default"),
    ],
)
def test_a_word_means(word, severity):
    assert SeverityRule().read(word) is severity


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        pytest.param("SEV0", CRITICAL, id="a-word-of-their-own"),
        pytest.param("p1", WARNING, id="it-beats-a-known-one"),
        pytest.param("p2", ERROR, id="known-words-stay"),
        pytest.param("sev9", ERROR, id="their-own-default"),
        pytest.param(None, ERROR, id="their-own-default-for-nothing"),
    ],
)
def test_what_an_operator_says_goes_first(word, severity):
    assert OURS.read(word) is severity


@pytest.mark.parametrize("word", list(KNOWN_WORDS))
def test_known_words_are_written_as_they_are_looked_up(word):
    assert word == word.strip().lower()
    assert SeverityRule(default=Severity.ERROR).read(word) is KNOWN_WORDS[word]


def test_severities_are_in_order_and_are_spoken_in_lower_case():
    assert [each.word for each in sorted(Severity)] == ["info", "warning", "error", "critical"]
