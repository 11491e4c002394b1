"""What people type by mistake, when neither grammar takes it, and what they probably mean."""

import re

from alertsvc.core.route import Op
from alertsvc.matchers import classic
from alertsvc.matchers.faults import MatcherError
from alertsvc.quoting import printable

_MAX_SHOWN = 60
_CONDITION = re.compile(
    r"""[\s{]*(?P<name>"[^"]*"|[^\s{}!=~,"'`<>:]+)(?P<op>\s*(?:[=!~<>]+|:)\s*|\s+)["']?(?P<value>[^"'{}=!~]+)["']?[\s}]*"""
)
"""A name, what may be meant as an operator, and a value. A blank alone is one that was forgotten."""
_MEANT = {
    "==": Op.EQUAL,
    "===": Op.EQUAL,
    ":": Op.EQUAL,
    "": Op.EQUAL,
    "!==": Op.NOT_EQUAL,
    "=!": Op.NOT_EQUAL,
    "<>": Op.NOT_EQUAL,
    "!": Op.NOT_EQUAL,
    "~=": Op.MATCHES,
    "~": Op.MATCHES,
    "==~": Op.MATCHES,
    "=~=": Op.MATCHES,
    "~!": Op.NOT_MATCHES,
    "!=~": Op.NOT_MATCHES,
}


def most_helpful(text: str, old: MatcherError, new: MatcherError) -> MatcherError:
    """What to say of a text that neither grammar takes: a known slip, else what the grammar says that came further."""
    fault = old if old.offset > new.offset else new
    return _slip(text, fault.offset) or fault


def _slip(text: str, offset: int) -> MatcherError | None:
    """The slip in the condition around `offset`, if it is a known one."""
    part, at = _around(text, offset)
    found = _CONDITION.fullmatch(part)
    written = found["op"].strip() if found else None
    if found is None or written not in _MEANT:
        return None
    told = f"{written} is no operator" if written else "an operator is missing"
    meant = f'{found["name"]}{_MEANT[written]}"{found["value"].strip()}"'
    start = found.start("op") + (found["op"].index(written) if written else len(found["op"]))
    return MatcherError(f"{told}; did you mean {printable(meant[:_MAX_SHOWN])}?", at + start)


def _around(text: str, offset: int) -> tuple[str, int]:
    """The part between commas around `offset`, and where it begins."""
    return next((part for part in classic.parts(text) if part[1] + len(part[0]) >= offset), (text, 0))
