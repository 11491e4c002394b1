"""What the parsers of Alertmanager 0.34 answered for texts made by chance, recorded; null is a refusal."""

import json
from pathlib import Path

import pytest

from alertsvc.matchers import MatcherError, classic, parse_matcher, parse_matchers, utf8
from alertsvc.matchers.conditions import matchers_of

ROWS = json.loads((Path(__file__).parent / "captures" / "alertmanager.json").read_text())
PARSERS = {
    "classic": lambda text: matchers_of(classic.parse(text)),
    "utf8": lambda text: matchers_of(utf8.parse(text)),
    "both": parse_matchers,
    "both_one": lambda text: (parse_matcher(text),),
}


@pytest.mark.parametrize("parser", PARSERS)
def test_every_recorded_text_is_read_as_alertmanager_reads_it(parser):
    wrong = []
    for row in ROWS:
        try:
            found = [[matcher.name, str(matcher.op), matcher.value] for matcher in PARSERS[parser](row["text"])]
        except MatcherError:
            found = None
        if found != row[parser]:
            wrong.append((row["text"], found, row[parser]))
    assert not wrong
    assert len(ROWS) == 420
