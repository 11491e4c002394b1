"""What Alertmanager takes silently, or with a line in its log, and what its author may not mean by it."""

from collections.abc import Iterable, Iterator, Sequence

from alertsvc.core.route import Matcher, Op
from alertsvc.matchers.conditions import Condition
from alertsvc.matchers.faults import Doubt, MatcherError
from alertsvc.matchers.patterns import splits_anchors
from alertsvc.quoting import quoted

Conditions = Sequence[Condition]
_SHOWN_CHARS = 200


def doubts_of(
    text: str, held: Conditions, old: Conditions | MatcherError, new: Conditions | MatcherError
) -> tuple[Doubt, ...]:
    """The doubts about a text of which `held` holds; `old` and `new` are what the two grammars say of it."""
    if not text.strip():
        return (Doubt("there is no matcher in this text, so it fits every alert", 0),)
    found = list(_in_conditions(held))
    if isinstance(new, MatcherError):
        found += _only_classic(held, new)
    elif not isinstance(old, MatcherError):
        found += _different(old, new)
    return tuple(found)


def _in_conditions(held: Conditions) -> Iterator[Doubt]:
    for condition in held:
        if not condition.name:
            yield Doubt("no alert has a label without a name", condition.name_at)
        if condition.op in {Op.MATCHES, Op.NOT_MATCHES} and splits_anchors(condition.value):
            yield Doubt(unanchored(condition.value), condition.value_at)


def unanchored(pattern: str) -> str:
    """The sentence for an expression whose parentheses close the ones that anchor it."""
    return f"the parentheses do not fit together; it is read as {quoted(f'^(?:{pattern})$')}"


def _only_classic(held: Conditions, fault: MatcherError) -> Iterator[Doubt]:
    """One doubt for each single quote and doubled `=`, else one for what the UTF-8 grammar refuses."""
    slips = [slip for condition in held if (slip := _slip(condition)) is not None]
    if slips:
        yield from slips
        return
    shown = _shown(held)
    read = f"it is read as {shown}" if shown else "it is read as no matcher"
    yield Doubt(f"only Alertmanager's classic grammar takes this: {fault}; {read}", fault.offset)


def _slip(condition: Condition) -> Doubt | None:
    value, meant = condition.value, condition.value.strip("'=\" ")
    if value.startswith("'"):
        told = "single quotes do not quote here, they are part of the value"
    elif value.startswith("=") and condition.op is Op.EQUAL:
        told = "one = compares, the second one is part of the value"
    else:
        return None
    likely = _text(Condition(condition.name, condition.op, meant, 0, 0))
    return Doubt(f"{told}; did you mean {likely}?" if likely else told, condition.value_at)


def _different(old: Conditions, new: Conditions) -> Iterator[Doubt]:
    pairs = zip(old, new, strict=False)
    at = next((one.value_at for one, other in pairs if _said(one) != _said(other)), None)
    if at is None and len(old) == len(new):
        return
    told = "Alertmanager's two grammars read this differently, and the classic one holds"
    yield Doubt(f"{told}: {_shown(old)}, not {_shown(new)}", at or 0)


def _said(condition: Condition) -> tuple[str, Op, str]:
    return condition.name, condition.op, condition.value


def _shown(conditions: Iterable[Condition]) -> str:
    """The matchers as both grammars would take them."""
    shown = ",".join(_text(condition) for condition in conditions)
    return shown if len(shown) <= _SHOWN_CHARS else shown[:_SHOWN_CHARS] + "…"


def _text(condition: Condition) -> str:
    return str(Matcher(condition.name, condition.op, condition.value, lambda _: True))
