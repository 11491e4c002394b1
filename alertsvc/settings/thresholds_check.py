"""What one part of a file of thresholds must not say of another: bands that contradict each other, unknown sides."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from alertsvc.core.thresholds.policy import ABOVE, BELOW, STREAM, Band, Entry, Policy, Thresholds, merged
from alertsvc.ingest.metrics import kind_of
from alertsvc.quoting import quoted
from alertsvc.settings.errors import Fault, Loc
from alertsvc.settings.thresholds import BandEntry, MetricEntry, ThresholdsFile

_NO_USUAL_LEVEL = (
    "a p-value has no usual level: without drift it is anywhere between 0 and 1;"
    " give it a band such as warning: 0.05, or measure the statistic"
)


def check_thresholds(file: ThresholdsFile, made: Thresholds) -> Iterator[Fault]:
    """The mistakes of a file that is right in its parts. `made` is what was built of it."""
    yield from _of_metrics(file.metrics, made.metrics, ("metrics",), made, [])
    for name, section in file.models.items():
        about = made.models[name]
        yield from _of_metrics(section.metrics, about.metrics, ("models", name), made, [made.metrics])
        for environment, metrics in section.environments.items():
            loc = ("models", name, "environments", environment)
            below = [made.metrics, about.metrics]
            yield from _of_metrics(metrics, about.environments[environment], loc, made, below)


def _of_metrics(
    written: Mapping[str, MetricEntry],
    entries: Mapping[str, Entry],
    loc: Loc,
    made: Thresholds,
    below: Sequence[Mapping[str, Entry]],
) -> Iterator[Fault]:
    """One section of metrics, laid over those `below` it."""
    first: dict[str, str] = {}
    for name, entry in written.items():
        metric = name.strip().lower()
        here = (*loc, name)
        if first.setdefault(metric, name) != name:
            yield Fault(f"means the same metric as {quoted(first[metric])}", here, on_key=True)
            continue
        general = [each[metric] for each in below if metric in each]
        layers = [made.defaults, *(each.said for each in general), entries[metric].said]
        yield from _of_entry(entry, merged(layers, made.directions.get(metric)), metric, here)
        for feature, said in entries[metric].features.items():
            special = [made.defaults, *(said for each in general for said in each.layers(feature))]
            policy = merged([*special, entries[metric].said, said], made.directions.get(metric))
            yield from _of_entry(entry.features[feature], policy, metric, (*here, "features", feature))


def _of_entry(entry: BandEntry, policy: Policy, metric: str, loc: Loc) -> Iterator[Fault]:
    """What is wrong with `policy`, as far as `entry` at `loc` has a part in it."""
    says_limits = any(getattr(entry, band.severity.word) is not None for band in policy.bands)
    if entry.adaptive is not None and entry.adaptive.method != "off" and _is_p_value(metric, policy.direction):
        yield Fault(_NO_USUAL_LEVEL, (*loc, "adaptive"))
    has_sides = entry.adaptive is not None and entry.adaptive.method != STREAM  # what is new is so on either
    if (says_limits or has_sides) and policy.direction is None:
        yield Fault(f"on which side is {quoted(metric)} bad? add direction: above, below or outside", loc, on_key=True)
        return
    if not says_limits and entry.direction is None:
        return
    for band in policy.bands:
        if band.lower is None and band.upper is None and policy.direction in {ABOVE, BELOW}:
            side = "upper" if policy.direction == ABOVE else "lower"
            yield Fault(f"the direction {policy.direction} needs {side}", _place(entry, band, loc))
    for graver, milder in pairwise(policy.bands):
        said = _out_of_order(graver, milder)
        if said is not None:
            is_ours = getattr(entry, graver.severity.word) is not None
            yield Fault(said, _place(entry, graver if is_ours else milder, loc))


def _out_of_order(graver: Band, milder: Band) -> str | None:
    """What is wrong when a graver band begins before a milder one does."""
    if graver.upper is not None and milder.upper is not None and graver.upper < milder.upper:
        relation, limits = "above", (graver.upper, milder.upper)
    elif graver.lower is not None and milder.lower is not None and graver.lower > milder.lower:
        relation, limits = "below", (graver.lower, milder.lower)
    else:
        return None
    return (
        f"{graver.severity.word} ({limits[0]:g}) must be {relation} {milder.severity.word} ({limits[1]:g}, "
        f"{milder.rule}), or the direction is wrong"
    )


def _place(entry: BandEntry, band: Band, loc: Loc) -> Loc:
    return (*loc, band.severity.word) if getattr(entry, band.severity.word) is not None else loc


def _is_p_value(metric: str, direction: str | None) -> bool:
    """Whether it is one by its name, or a measure of drift that is bad when it is low: no distance is."""
    if metric.endswith(("p_value", "pvalue")):
        return True
    return direction == BELOW and kind_of(metric).endswith("drift")
