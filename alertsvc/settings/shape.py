"""What a model allows at a place of the file: which keys, which kind of value, and whether it is a secret."""

import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, PlainValidator, SecretStr, WrapValidator
from pydantic.fields import FieldInfo

from alertsvc.secret import Secret
from alertsvc.settings.errors import Loc

_LISTS = (tuple, list, frozenset, set)
_CONTAINERS = (*_LISTS, dict, Mapping)


class Shape:
    """The annotations that hold at one place: several where a union allows several."""

    def __init__(self, *annotations: object) -> None:
        self._options = tuple(option for annotation in annotations for option in _options(annotation, converts=False))

    def below(self, part: str | int) -> "Shape":
        """What holds one step further down. Nothing where the model knows no such place."""
        return Shape(*(found for option, _ in self._options for found in _step(option, part)))

    def at(self, loc: Loc) -> "Shape":
        """What holds at `loc`, seen from here."""
        here = self
        for part in loc:
            here = here.below(part)
        return here

    @property
    def is_known(self) -> bool:
        """Whether the model has such a place."""
        return bool(self._options)

    @property
    def keys(self) -> frozenset[str]:
        """The keys that a mapping may have here; empty where it may have any, and where there is no mapping."""
        if any(_others(option) is not None for option, _ in self._options):
            return frozenset()
        return frozenset(name for option, _ in self._options for name in _fields(option))

    @property
    def is_secret(self) -> bool:
        """Whether what stands here must not be shown."""
        return any(option is SecretStr or option is Secret for option, _ in self._options)

    @property
    def takes_leaf(self) -> bool:
        """Whether a text or a number may stand here."""
        return any(
            not _fields(option) and get_origin(option) not in _CONTAINERS and option not in {None, type(None)}
            for option, _ in self._options
        )

    @property
    def takes_text(self) -> bool:
        """Whether a text may stand here, and is not read as something else."""
        return any(option is str for option, _ in self._options)

    @property
    def strict_kinds(self) -> frozenset[type]:
        """The kinds of values that must be meant as such, where only true or false or a number is taken."""
        kinds = {option for option, converts in self._options if not converts and option is not type(None)}
        plain = frozenset(kind for kind in (bool, int, float) if kind in kinds)
        return plain if len(plain) == len(kinds) and not any(converts for _, converts in self._options) else frozenset()

    def words(self) -> frozenset[str]:
        """Every key that may have a value, at any depth."""
        found: set[str] = set()
        seen: set[object] = set()
        waiting = [option for option, _ in self._options]
        while waiting:
            option = waiting.pop()
            if option not in seen:
                seen.add(option)
                found.update(name for name, field in _fields(option).items() if field.annotation is not type(None))
                inside = (*_fields(option).values(), _others(option), *get_args(option))
                waiting += [inner for annotation in inside for inner, _ in _options(annotation, converts=False)]
        return frozenset(found)


def _options(annotation: object, *, converts: bool) -> Iterator[tuple[object, bool]]:
    """The plain annotations that `annotation` stands for, each with whether a validator reads other kinds for it."""
    if isinstance(annotation, FieldInfo):
        yield from _options(annotation.annotation, converts=converts or _has_converter(annotation.metadata))
    elif get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        yield from _options(inner, converts=converts or _has_converter(metadata))
    elif get_origin(annotation) in {Union, types.UnionType}:
        for option in get_args(annotation):
            yield from _options(option, converts=converts)
    else:
        yield annotation, converts


def _has_converter(metadata: Iterable[object]) -> bool:
    return any(isinstance(each, BeforeValidator | PlainValidator | WrapValidator) for each in metadata)


def _step(option: object, part: str | int) -> Iterator[object]:
    origin, arguments = get_origin(option), get_args(option)
    if isinstance(part, str) and part in _fields(option):
        yield _fields(option)[part]
    elif isinstance(part, str) and _others(option) is not None:
        yield _others(option)
    elif isinstance(part, int) and origin in _LISTS and arguments:
        yield arguments[0]
    elif isinstance(part, str) and origin in {dict, Mapping} and len(arguments) == 2:
        yield arguments[1]


def _fields(option: object) -> dict[str, FieldInfo]:
    if isinstance(option, type) and issubclass(option, BaseModel):
        return {field.alias or name: field for name, field in option.model_fields.items()}
    return {}


def _others(option: object) -> object:
    """What holds for the keys that a model has beside its fields; None where it has no others."""
    if not isinstance(option, type) or not issubclass(option, BaseModel) or option.model_config.get("extra") != "allow":
        return None
    extra = option.__annotations__.get("__pydantic_extra__")
    arguments = get_args(extra)
    return arguments[1] if len(arguments) == 2 else None
