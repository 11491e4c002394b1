"""Loads the file of thresholds: all of it, or all of its mistakes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from alertsvc.core.model import Severity
from alertsvc.core.thresholds.policy import (
    GRADES,
    OFF,
    Adaptive,
    Entry,
    FeatureShare,
    Limits,
    ModelEntry,
    Said,
    Thresholds,
)
from alertsvc.ingest.metrics import direction_of
from alertsvc.settings.check import validate
from alertsvc.settings.compose import compose
from alertsvc.settings.document import Document
from alertsvc.settings.errors import ConfigError, Fault, Loc, Problem, shown_path
from alertsvc.settings.excerpt import problem_of_unreadable, problems_of
from alertsvc.settings.nodes import UnreadableError
from alertsvc.settings.scalars import Tree
from alertsvc.settings.shape import Shape
from alertsvc.settings.text_file import read_text
from alertsvc.settings.thresholds import (
    BandEntry,
    LimitEntry,
    MetricEntry,
    PatienceEntry,
    ThresholdsFile,
)
from alertsvc.settings.thresholds_check import check_thresholds

KEY = "thresholds_file"


@dataclass(frozen=True, slots=True)
class Found:
    """What a configuration's file of thresholds comes to, with its text; None where it names none.

    `faults` are mistakes in the configuration, `problems` those in the file that it names.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    text: str | None = None
    faults: tuple[Fault, ...] = ()
    problems: tuple[Problem, ...] = ()


def find_thresholds(document: Document, folder: Path, kept: str | None = None) -> Found:
    """The thresholds that a configuration names. A relative path is taken from `folder`.

    `kept` stands in for the text of the file, which is not read then.
    """
    named = document.at((KEY,))
    if not isinstance(named, str):
        return Found()
    path = folder / named
    try:
        text = read_text(path) if kept is None else kept
    except ConfigError as error:
        return Found(faults=tuple(Fault(f"{path}: {each.message}", (KEY,)) for each in error.problems))
    try:
        return Found(parse_thresholds(text, str(path)), text)
    except ConfigError as error:
        return Found(text=text, problems=error.problems)


def load_thresholds(path: Path) -> Thresholds:
    """The thresholds in the file `path`.

    Raises:
        ConfigError: It cannot be read, or has mistakes. It names them all.
    """
    return parse_thresholds(read_text(path), str(path))


def parse_thresholds(text: str, file: str) -> Thresholds:
    """The thresholds that `text` is. `file` is what mistakes name.

    Raises:
        ConfigError: `text` has mistakes. It names them all.
    """
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()):
        return Thresholds()
    shape = Shape(ThresholdsFile)
    try:
        document, faults = compose(text)
    except UnreadableError as error:
        raise ConfigError([problem_of_unreadable(file, text, error.fault, shape)]) from None
    checked, wrong = validate(document, ThresholdsFile)
    if checked is None:
        rest = replace(document, tree=_without(document.tree, {fault.loc for fault in wrong}))
        checked, _ = validate(rest, ThresholdsFile)
    made = None if checked is None else _build(checked)
    contradictions = () if checked is None or made is None else check_thresholds(checked, made)
    faults = [*faults, *wrong, *contradictions]
    if made is None or faults:
        raise ConfigError(problems_of(file, text, document, shape, faults))
    return made


def _without(tree: Tree, places: Collection[Loc], here: Loc = ()) -> Tree:
    """What is left without the wrong places: what is right about the rest shows whether that fits together."""
    if not isinstance(tree, dict):
        return tree
    return {key: _without(value, places, (*here, key)) for key, value in tree.items() if (*here, key) not in places}


def _build(file: ThresholdsFile) -> Thresholds:
    models = {
        name: ModelEntry(
            _entries(section.metrics, ("models", name)),
            {
                environment: _entries(metrics, ("models", name, "environments", environment))
                for environment, metrics in section.environments.items()
            },
        )
        for name, section in file.models.items()
    }
    metrics = _entries(file.metrics, ("metrics",))
    return Thresholds(_said(file.defaults, ("defaults",)), metrics, models, dict(_directions(metrics, models)))


def _directions(metrics: Mapping[str, Entry], models: Mapping[str, ModelEntry]) -> Iterator[tuple[str, str]]:
    """The directions that names say by themselves."""
    below = [about.metrics for about in models.values()]
    below += [each for about in models.values() for each in about.environments.values()]
    for name in {name for each in (metrics, *below) for name in each}:
        told = direction_of(name, None, None)
        if told is not None:
            yield name, str(told)


def _entries(written: Mapping[str, MetricEntry], loc: Loc) -> dict[str, Entry]:
    return {
        name.strip().lower(): Entry(
            _said(entry, (*loc, name)),
            {feature: _said(each, (*loc, name, "features", feature)) for feature, each in entry.features.items()},
        )
        for name, entry in written.items()
    }


def _said(entry: PatienceEntry, loc: Loc) -> Said:
    share = entry.share_of_features
    return Said(
        path=shown_path(loc),
        direction=str(entry.direction) if isinstance(entry, BandEntry) and entry.direction else None,
        limits=dict(_limits(entry)) if isinstance(entry, BandEntry) else {},
        adaptive=_adaptive(entry),
        often=entry.often,
        clear_after=entry.clear_after,
        cooldown=entry.cooldown,
        min_samples=entry.min_samples,
        expect_next_within=entry.expect_next_within,
        feature_share=None if share is None else FeatureShare(share.above, share.at_least) if share.above else OFF,
        freeze=entry.freeze,
    )


def _limits(entry: BandEntry) -> Iterator[tuple[Severity, Limits | bool]]:
    for severity in GRADES:
        limit: LimitEntry | None = getattr(entry, severity.word)
        if limit is not None:
            yield severity, OFF if limit.off else Limits(limit.at, limit.lower, limit.upper)


def _adaptive(entry: PatienceEntry) -> Adaptive | bool | None:
    said = entry.adaptive
    if said is None:
        return None
    return OFF if said.method == "off" else Adaptive(said.method, said.sensitivity)
