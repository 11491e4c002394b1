"""Carries over what this service has a place for, and notes what it has none for."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from alertsvc.quoting import quoted
from alertsvc.settings.alertmanager.parts import Part
from alertsvc.settings.document import Document
from alertsvc.settings.errors import Fault, Loc
from alertsvc.settings.file import CONFIGS, FOREIGN_KINDS, NO_COUNTERPART
from alertsvc.settings.scalars import Tree
from alertsvc.settings.shape import Shape

SECTIONS = frozenset(
    {"global", "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals", "templates"}
)
_OLD_WORDS = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}
"""What Alertmanager's YAML takes for true and false."""
_FILLED_IN = re.compile(r'\{\{ ?template "\w+\.default\.\w+" \. ?\}\}')
"""What Alertmanager says by itself: our own wording says the same."""
_REASONS = {
    **NO_COUNTERPART,
    "tracing": "there is no tracing",
    "event_recorder": "the database has the history",
    "labels": "routes and receivers have no labels of their own",
}
GO_TEMPLATE = "a Go template: our own wording is used; a Jinja template under `templates` would replace it"


@dataclass(slots=True)
class Carrier:
    """Walks through Alertmanager's file beside the model of ours."""

    document: Document
    written: Callable[[Loc], str]
    lost: list[Fault] = field(default_factory=list[Fault])

    def carry(self, shape: Shape) -> Part:
        """The part of the file that has a place here."""
        return Part((), self._mapping((), self.document.tree, shape))

    def _mapping(self, loc: Loc, tree: Tree, shape: Shape) -> dict[str, Part]:
        kept: dict[str, Part] = {}
        for key, value in tree.items() if isinstance(tree, dict) else ():
            here = (*loc, key)
            if shape.keys and (key not in shape.keys or (not loc and key not in SECTIONS)):
                self.lose(here, _reason(key, loc), on_key=True)
            elif here == ("templates",):
                self._templates(value)
            elif (part := self._part(here, value, shape.below(key))) is not None:
                kept[key] = part
        return kept

    def _part(self, loc: Loc, tree: Tree, shape: Shape) -> Part | None:
        if isinstance(tree, dict):
            return Part(loc, self._mapping(loc, tree, shape))
        if isinstance(tree, list):
            parts = [self._part((*loc, index), item, shape.below(index)) for index, item in enumerate(tree)]
            return Part(loc, [part for part in parts if part is not None])
        if isinstance(tree, str):
            return self._text(loc, tree, shape)
        is_text = shape.is_known and not shape.strict_kinds and shape.takes_text
        return Part(loc, self.written(loc) if is_text and tree is not None else tree)

    def _text(self, loc: Loc, text: str, shape: Shape) -> Part | None:
        if "{{" in text and loc[0] == "receivers" and len(loc) > 3:  # elsewhere braces are text like any other
            if not _FILLED_IN.fullmatch(text):
                self.lose(loc, GO_TEMPLATE)
            return None
        if shape.strict_kinds == frozenset[type]({bool}) and text.lower() in _OLD_WORDS:
            return Part(loc, _OLD_WORDS[text.lower()])
        return Part(loc, text)

    def _templates(self, listed: Tree) -> None:
        for index in range(len(listed) if isinstance(listed, list) else 0):
            self.lose(("templates", index), "a file of Go templates: templates here are Jinja ones")

    def lose(self, loc: Loc, why: str, *, on_key: bool = False) -> None:
        """Note that what stands at `loc` does not come over."""
        self.lost.append(Fault(f"not carried over: {why}", loc, on_key=on_key))


def _reason(key: str, above: Loc) -> str:
    kind = key.removesuffix(CONFIGS)
    if len(above) == 2 and above[0] == "receivers" and key != kind:
        if kind == "msteams":
            return "Microsoft has retired these; make a workflow in Teams and give its URL in msteamsv2_configs"
        if kind in FOREIGN_KINDS:
            return f"there is no channel {quoted(kind)} here; what it would say is printed"
    return _REASONS.get(key, f"{quoted(key)} has no counterpart here")
