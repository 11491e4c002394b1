"""Finds what the model of the file does not allow, and says it in words people can act on."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from alertsvc.matchers import MatcherError
from alertsvc.quoting import quoted
from alertsvc.settings.document import Document
from alertsvc.settings.errors import Fault, Loc, SlipError
from alertsvc.settings.file import CONFIGS, FOREIGN_KINDS, NO_COUNTERPART
from alertsvc.settings.scalars import Tree, described
from alertsvc.settings.shape import Shape
from alertsvc.settings.words import NOT_YET, nearest

ModelT = TypeVar("ModelT", bound=BaseModel)
ValueT = TypeVar("ValueT")

_NEEDED = {
    "string_type": "text",
    "path_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping of keys to values",
    "mapping_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "dataclass_type": "a mapping of keys to values",
}
"""What pydantic misses, by the type of its error."""
_OLD_WORDS = frozenset({"yes", "no", "on", "off", "y", "n"})
"""What older YAML took for true and false."""
_KIND_WORDS = {bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True, slots=True)
class _Complaint:
    """One of pydantic's errors. `words` are those it would take, `cause` what a validator of ours raised."""

    kind: str
    loc: Loc
    message: str
    words: frozenset[str]
    cause: object


def validate(document: Document, model: type[ModelT]) -> tuple[ModelT | None, list[Fault]]:
    """The file as a value of `model`, or None with what keeps it from being one. Nothing is shown of secrets."""
    return validate_with(document, Shape(model), model.model_validate)


def validate_with(
    document: Document, shape: Shape, read: Callable[[Tree], ValueT]
) -> tuple[ValueT | None, list[Fault]]:
    """The file as what `read`, of pydantic, makes of it and `shape` describes; see `validate`."""
    faults = [*_empty_keys(document, shape), *_misread(document, shape)]
    try:
        value = read(document.tree)
    except ValidationError as error:
        return None, [*faults, *_from_pydantic(error, document, shape, {fault.loc for fault in faults})]
    return (None, faults) if faults else (value, [])


def _from_pydantic(error: ValidationError, document: Document, shape: Shape, said: set[Loc]) -> Iterator[Fault]:
    """The faults that pydantic found and nobody has `said` yet; one for each place."""
    complaints = _complaints(error)
    slips: dict[Loc, list[str]] = {}
    for complaint in complaints:
        if complaint.kind == "extra_forbidden":
            slips.setdefault(complaint.loc[:-1], []).append(str(complaint.loc[-1]))
            yield _unknown_key(complaint.loc, shape)
    for complaint in complaints:
        loc = complaint.loc
        if complaint.kind == "missing":
            if nearest(str(loc[-1]), slips.get(loc[:-1], ())) is None:  # else it is there, with a slip in its name
                yield _missing(loc, document)
        elif complaint.kind != "extra_forbidden" and document.nearest(loc) not in said:
            said.add(document.nearest(loc))  # a union complains once for each of its options
            yield _fault(complaint, document)


def _complaints(error: ValidationError) -> list[_Complaint]:
    found: list[_Complaint] = []
    for detail in error.errors(include_url=False, include_input=False):
        facts = detail.get("ctx", {})
        words = re.findall(r"'([^']*)'", str(facts.get("expected", "")))
        found.append(_Complaint(detail["type"], detail["loc"], detail["msg"], frozenset(words), facts.get("error")))
    return found


def _unknown_key(loc: Loc, shape: Shape) -> Fault:
    key = str(loc[-1])
    known = shape.at(loc[:-1]).keys
    kind = key.removesuffix(CONFIGS)
    if len(loc) == 3 and loc[0] == "receivers" and kind in FOREIGN_KINDS and key != kind:
        there_are = ", ".join(sorted(name.removesuffix(CONFIGS) for name in known if name.endswith(CONFIGS)))
        return Fault(f"this version has no channel {quoted(kind)}; there are {there_are}", loc, on_key=True)
    if key in NO_COUNTERPART:
        hint = "leave it out (`alertsvc config import` takes over the rest of an alertmanager.yml)"
        return Fault(f"{NO_COUNTERPART[key]}: {hint}", loc, on_key=True)
    return Fault(f"unknown key {quoted(key)}", loc, on_key=True, meant=key, known=known)


def _empty_keys(document: Document, shape: Shape) -> Iterator[Fault]:
    """Keys without a value that the model does not know, or that stand where any key may and a value counts."""
    for loc in sorted(document.empty, key=str):
        above = shape.at(loc[:-1])
        if not above.is_known:
            continue
        if above.keys and loc[-1] not in above.keys:
            yield _unknown_key(loc, shape)
        elif not above.keys:
            yield Fault('a value is missing; write "" for an empty text', loc, on_key=True)


def _misread(document: Document, shape: Shape) -> Iterator[Fault]:
    """Texts where true, false or a number is meant, and the other way round: nothing is guessed."""
    for place, kinds, value in _leaves(document.tree, (), shape):
        if not kinds or type(value) in kinds or (type(value) is int and float in kinds):
            continue
        needed = " or ".join(_KIND_WORDS[kind] for kind in (bool, int, float) if kind in kinds)
        old_word = isinstance(value, str) and bool in kinds and value.lower() in _OLD_WORDS
        got = f"{quoted(str(value))} is text" if old_word else f"got {described(value)}"
        yield Fault(f"{needed} is needed, {got}", place)


def _leaves(tree: Tree, loc: Loc, shape: Shape) -> Iterator[tuple[Loc, frozenset[type], Tree]]:
    """The values at the ends of the tree, with the kinds that they must be."""
    if not shape.is_known:
        return
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, (*loc, key), shape.below(key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _leaves(value, (*loc, index), shape.below(index))
    else:
        yield loc, shape.strict_kinds, tree


def _fault(complaint: _Complaint, document: Document) -> Fault:
    """What pydantic says, in our words. The value itself is not shown."""
    loc, cause = document.nearest(complaint.loc), complaint.cause
    needed = _NEEDED.get(complaint.kind)
    if needed is not None:
        value = document.at(loc)
        hint = "; write it in quotes" if needed == "text" and isinstance(value, bool | int | float) else ""
        return Fault(f"{needed} is needed, got {described(value)}{hint}", loc)
    if isinstance(cause, MatcherError):
        return Fault(str(cause), loc, offset=cause.offset)
    if isinstance(cause, SlipError):
        return Fault(str(cause), loc, meant=cause.meant, known=cause.known)
    message, value = _reworded(complaint.message), document.at(loc)
    if complaint.words and isinstance(value, str):
        return Fault(message, loc, meant=value, known=complaint.words)
    return Fault(message, loc, on_key=message == NOT_YET)


def _missing(loc: Loc, document: Document) -> Fault:
    key = loc[-1]
    if loc in document.empty:
        return Fault("a value is missing", loc, on_key=True)
    return Fault(f"{quoted(str(key))} is missing", document.nearest(loc))


def _reworded(message: str) -> str:
    """Pydantic's sentence as an order: `must be less than 5`."""
    message = re.sub(r"^(Value error|Assertion failed), ", "", message)
    message = re.sub(r"^Input should be ", "must be ", message)
    message = re.sub(r"^\w+ should ", "must ", message)
    return re.sub(r" after validation, not \d+$", "", message)
