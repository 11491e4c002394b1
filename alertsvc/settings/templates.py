"""The operator's own templates: read from disk, and each tried out on sample messages before it is needed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alertsvc.channels.render import TemplateRenderer
from alertsvc.channels.samples import samples
from alertsvc.channels.template_files import TemplateFileError, read_templates
from alertsvc.settings.document import Document
from alertsvc.settings.errors import Fault, Loc


@dataclass(frozen=True, slots=True)
class Wording:
    """Templates by file name, with the entry of the file that each came by, and what keeps files from being read."""

    templates: Mapping[str, str]
    origins: Mapping[str, Loc] = field(default_factory=dict[str, Loc])
    faults: tuple[Fault, ...] = ()


def read_wording(document: Document, folder: Path) -> Wording:
    """What the entries under `templates` lead to. Relative paths are taken from `folder`."""
    listed = document.at(("templates",))
    found: dict[str, str] = {}
    origins: dict[str, Loc] = {}
    faults: list[Fault] = []
    for index, pattern in enumerate(listed if isinstance(listed, list) else []):
        loc: Loc = ("templates", index)
        try:
            read = read_templates([pattern] if isinstance(pattern, str) else [], folder)
        except (TemplateFileError, OSError, ValueError) as fault:
            faults.append(Fault(str(fault), loc))
        else:
            found |= read
            origins |= dict.fromkeys(read, loc)
    return Wording(found, origins, tuple(faults))


def flaws_of(wording: Wording) -> Iterator[Fault]:
    """What shows when every message is worded with these templates. Those that come along are not asked about."""
    if not wording.templates:
        return
    for flaw in TemplateRenderer(wording.templates).check(samples()):
        yield Fault(flaw, wording.origins.get(flaw.partition(" ")[0].rstrip(":"), ("templates",)))
