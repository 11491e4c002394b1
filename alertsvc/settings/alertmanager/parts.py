"""A tree in the making, each part of which remembers where it stood in the file that it was made from."""

from dataclasses import dataclass, field

from alertsvc.settings.errors import Loc
from alertsvc.settings.scalars import Scalar, Tree


@dataclass(slots=True)
class Part:
    """A value, a list or a mapping. `origin` is where it stood, or the nearest place for what was added."""

    origin: Loc
    value: "Scalar | list[Part] | dict[str, Part]" = field(default_factory=dict[str, "Part"])

    def tree(self) -> Tree:
        """The same without the memory."""
        if isinstance(self.value, dict):
            return {key: part.tree() for key, part in self.value.items()}
        if isinstance(self.value, list):
            return [part.tree() for part in self.value]
        return self.value

    def below(self, step: str | int) -> "Part | None":
        """The part one step further down."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None

    def path_to(self, loc: Loc) -> list["Part"]:
        """The parts on the way to `loc`, as far as there are any; this one first."""
        found: list[Part] = [self]
        for step in loc:
            further = found[-1].below(step)
            if further is None:
                break
            found.append(further)
        return found

    def say(self, key: str, value: Scalar) -> None:
        """Write out what is meant where nothing is said."""
        if isinstance(self.value, dict):
            self.value.setdefault(key, Part(self.origin, value))

    def without(self, step: str | int) -> None:
        """Leave out the part one step further down."""
        match self.value, step:
            case dict() as pairs, str():
                del pairs[step]
            case list() as items, int():
                del items[step]
            case _:
                return
