"""From Alertmanager's text to ours: carry over, write out, and leave out what this version refuses."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from alertsvc.settings.alertmanager.carry import Carrier
from alertsvc.settings.alertmanager.meaning import (
    PRINTED,
    group_conflicts,
    place_of_entry,
    place_of_whole,
    severities,
    write_out,
)
from alertsvc.settings.alertmanager.parts import Part
from alertsvc.settings.alertmanager.write import write
from alertsvc.settings.compose import compose
from alertsvc.settings.document import Document
from alertsvc.settings.errors import ConfigError, Fault, Loc, Problem, shown_path
from alertsvc.settings.excerpt import problem_of_unreadable, problems_of
from alertsvc.settings.file import CONFIGS, Kind, file_model
from alertsvc.settings.load import examine
from alertsvc.settings.nodes import UnreadableError
from alertsvc.settings.scalars import Tree
from alertsvc.settings.shape import Shape
from alertsvc.settings.text_file import read_text

_WHOLE = "without what is missing inside it, it would fit more than it does there; it is left out whole"
_WHOLE_ROUTE = (
    "without the condition that is missing it would take more than it does there; it is left out with the routes below "
    "it, and what it took goes to the next route that fits"
)


@dataclass(frozen=True, slots=True)
class Imported:
    """A configuration of ours, and what of Alertmanager's is not in it, with its place in Alertmanager's file."""

    text: str
    notes: tuple[Problem, ...]


def import_file(path: Path, kinds: Mapping[str, Kind]) -> Imported:
    """What Alertmanager's file `path` comes to here.

    Raises:
        ConfigError: It cannot be read, or is no configuration of Alertmanager's.
    """
    return import_text(read_text(path), str(path), kinds)


def import_text(text: str, file: str, kinds: Mapping[str, Kind]) -> Imported:
    """What the text of Alertmanager's file comes to here. `file` is what notes name.

    Raises:
        ConfigError: It is no configuration of Alertmanager's.
    """
    shape = Shape(file_model(kinds))
    try:
        document, faults = compose(text)
    except UnreadableError as error:
        raise ConfigError([problem_of_unreadable(file, text, error.fault, shape)]) from None
    if faults := [*faults, *_is_none(document)]:
        raise ConfigError(problems_of(file, text, document, shape, faults))
    carrier = Carrier(document, _Source(text, document).written)
    taking = _TakingOver(carrier, carrier.carry(shape), kinds, file)
    return taking.finish(shape)


def _is_none(document: Document) -> list[Fault]:
    """Why it is no configuration of Alertmanager's."""
    found: list[Fault] = []
    if not isinstance(document.at(("route",)), dict):
        found.append(Fault("this is no configuration of Alertmanager's: it has no route"))
    if not isinstance(document.at(("receivers",)), list):
        found.append(Fault("this is no configuration of Alertmanager's: it has no receivers"))
    return found


@dataclass(frozen=True, slots=True)
class _Source:
    text: str
    document: Document

    def written(self, loc: Loc) -> str:
        """The very characters of a value that stands on one line: 0123 is a text with a zero in front."""
        span = self.document.values[loc]
        line = self.text.splitlines()[span.start.line - 1]
        return line[span.start.column - 1 : span.end.column - 1]


@dataclass(slots=True)
class _TakingOver:
    carrier: Carrier
    whole: Part
    kinds: Mapping[str, Kind]
    file: str

    def finish(self, shape: Shape) -> Imported:
        """Write out, and leave out what is refused until nothing is."""
        write_out(self.whole)
        self.carrier.lost += group_conflicts(self.whole)
        cast("dict[str, Part]", self.whole.value)["severities"] = severities()
        self._follow_up()
        while self._leave_out_one(shape):
            self._follow_up()
        notes = [self._note(fault) for fault in self.carrier.lost]
        return Imported(self._text(), tuple(sorted(set(notes))))

    def _leave_out_one(self, shape: Shape) -> bool:
        """Leave out one thing that this version refuses. False when there is none left."""
        text = self._text()
        document, _ = compose(text)
        faults = examine(document, self.kinds, Path(self.file).parent).faults
        if not faults:
            return False
        fault = max(faults, key=lambda each: len(each.loc))
        loc = document.nearest(fault.loc)
        entry = place_of_entry(loc)
        loc = loc[:5] if entry is not None else loc
        message = problems_of(self.file, text, document, shape, [fault])[0].message
        path = self.whole.path_to(loc)
        if len(path) <= len(loc) or not _may_go(loc):
            raise ConfigError([self._note(Fault(f"cannot be taken over: {message}", path[-1].origin))])
        self.carrier.lost.append(Fault(f"not carried over: {message}", path[-1].origin))
        path[-2].without(loc[-1])
        if entry is not None and path[-2].value == []:
            path[-3].without(loc[-2])
        return True

    def _follow_up(self) -> None:
        """What follows from what is lost so far."""
        self._print_what_is_lost()
        wholes = {place for fault in self.carrier.lost if (place := place_of_whole(fault.loc)) is not None}
        if wholes:
            _leave_out(self.whole, wholes)
            for place in wholes:
                self.carrier.lose(place, _WHOLE_ROUTE if place[0] == "route" else _WHOLE)

    def _print_what_is_lost(self) -> None:
        """A receiver that lost a channel prints what it is told instead, so that nothing goes nowhere in silence."""
        receivers = self.whole.below("receivers")
        for receiver in receivers.value if receivers is not None and isinstance(receivers.value, list) else ():
            if self._remarks(receiver) and isinstance(receiver.value, dict):
                receiver.value.setdefault(PRINTED, Part(receiver.origin, [Part(receiver.origin, {})]))

    def _remarks(self, receiver: Part) -> list[str]:
        """What to say at a receiver whose channels are not all here."""
        own = [fault for fault in self.carrier.lost if fault.loc[:2] == receiver.origin]
        channels = {fault.loc for fault in own if _is_channel(fault.loc)}
        why = [fault for fault in own if fault.loc[:3] in channels or fault.loc[:4] in channels]
        return list(dict.fromkeys(f"{shown_path(fault.loc[2:])} is {fault.message}" for fault in why))

    def _text(self) -> str:
        tree = cast("dict[str, Tree]", self.whole.tree())
        receivers = cast("list[Part]", cast("dict[str, Part]", self.whole.value)["receivers"].value)
        return write(tree, [self._remarks(receiver) for receiver in receivers])

    def _note(self, fault: Fault) -> Problem:
        at = self.carrier.document.position(fault.loc, on_key=fault.on_key)
        return Problem(self.file, at.line, at.column, shown_path(fault.loc), fault.message)


def _leave_out(part: Part, origins: Collection[Loc]) -> None:
    """Leave out what stood at `origins`, wherever below `part` it is now."""
    if isinstance(part.value, list):
        part.value = [each for each in part.value if each.origin not in origins]
        for each in part.value:
            _leave_out(each, origins)
    elif isinstance(part.value, dict):
        for each in part.value.values():
            _leave_out(each, origins)


def _is_channel(loc: Loc) -> bool:
    """Whether it is an entry of a receiver, or all of them of one kind."""
    return len(loc) in {3, 4} and all(str(step).endswith(CONFIGS) for step in loc[2:3])


def _may_go(loc: Loc) -> bool:
    """Whether something is left of the file without what stands at `loc`."""
    if loc[0] == "receivers":
        return len(loc) > 2 and loc[2] != "name"
    return loc[0] != "severities" and loc not in {("route",), ("route", "receiver")}
