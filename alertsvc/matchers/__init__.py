"""Alertmanager's matchers: `severity="critical"`, `team=~"ml|growth"`, `{a="b",c!="d"}`.

Read by the configuration, the API, the command line, silences and filters; nothing here knows of any of them.
"""

from alertsvc.matchers.conditions import matchers_from_map, new_matcher
from alertsvc.matchers.doubts import unanchored
from alertsvc.matchers.faults import Doubt, MatcherError
from alertsvc.matchers.patterns import compile_pattern, splits_anchors
from alertsvc.matchers.reading import Reading, parse_matcher, parse_matchers, read_matcher, read_matchers

__all__ = [
    "Doubt",
    "MatcherError",
    "Reading",
    "compile_pattern",
    "matchers_from_map",
    "new_matcher",
    "parse_matcher",
    "parse_matchers",
    "read_matcher",
    "read_matchers",
    "splits_anchors",
    "unanchored",
]
