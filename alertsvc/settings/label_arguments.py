"""Labels as people give them on a command line: `team=fraud`, `team="fraud"`."""

import re

from alertsvc.core.route import Op
from alertsvc.matchers import MatcherError, parse_matchers
from alertsvc.quoting import quoted

_PLAIN = re.compile(r"\s*([^\s{}!=~,\\\"'`]+)\s*=(?!~)\s*([^\"]*?)\s*", re.DOTALL)


def parse_label(text: str) -> tuple[str, str]:
    """The name and the value of a label. Without quotes the value is everything after the sign, commas too.

    Raises:
        ValueError: It is not of that form.
    """
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return plain[1], plain[2]
    try:
        found = parse_matchers(text)
    except MatcherError as fault:
        raise ValueError(f"a label such as team=fraud is needed, got {quoted(text)}: {fault}") from None
    if len(found) != 1 or found[0].op is not Op.EQUAL or text.lstrip().startswith("{"):
        raise ValueError(f"a label such as team=fraud is needed, got {quoted(text)}")
    return found[0].name, found[0].value
