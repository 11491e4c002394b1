"""On which scale a score is charted, so that its noise is alike at every height."""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum

CLIP = 1e-4
"""Rates closer than this to 0 or 1 count as this close."""
LEAST_SHARE = 1e-3
"""A logarithm is taken of no less than this part of the history's mean: one zero must not hide what is usual."""
LEAST_EVER = 1e-12
MOST_EVER = 1e100
"""What is beyond this, or no number, is not charted: its square would be infinite."""


class Side(StrEnum):
    """On which side of what is usual a value is bad."""

    ABOVE = "above"
    BELOW = "below"
    OUTSIDE = "outside"


class Transform(StrEnum):
    """The scale: `log` for what is positive and skewed, `logit` for shares of a whole, `none` for the rest."""

    LOG = "log"
    LOGIT = "logit"
    NONE = "none"


_DISTANCES = ("psi", "wasserstein", "jensenshannon", "js", "kl", "kl_div", "hellinger", "ed", "mmd", "distance")
_ERRORS = ("mae", "mse", "rmse", "mape", "log_loss")
_SHARES = ("precision", "recall", "f1", "f1_score", "ndcg", "tpr", "tnr", "fpr", "fnr", "ece", "brier", "coverage")
_ENDINGS_OF_SHARES = ("accuracy", "auc", "_rate", "_share", "_precision", "_recall", "_f1", "uptime")
_TIMES = ("latency", "duration", "response_time")
_BY_SCORE_TYPE = {"distance": Transform.LOG, "latency": Transform.LOG, "rate": Transform.LOGIT}


def transform_for(metric: str, score_type: str | None, kind: str, side: Side | None = None) -> Transform | None:
    """The scale of `metric`, or None when no chart can be made of it: a p-value.

    Args:
        metric: Its name, in lower case.
        score_type: `p_value`, `distance`, `rate`, `score`, or None when the sender does not say.
        kind: What it is about, such as `data_drift`. A measure of drift that is bad below is a p-value.
        side: Where it is bad, if known.
    """
    if score_type == "p_value" or metric.endswith(("p_value", "pvalue")):
        return None
    if score_type is None and kind.endswith("drift") and side is Side.BELOW:
        return None
    if metric == "drift_share":  # few columns, often none of them: steps from 0, of which a logarithm makes cliffs
        return Transform.NONE
    return _BY_SCORE_TYPE.get(score_type or "") or _by_name(metric)


def _by_name(metric: str) -> Transform:
    if metric in _SHARES or metric.endswith(_ENDINGS_OF_SHARES):
        return Transform.LOGIT
    if metric in _DISTANCES or metric.endswith(_ERRORS) or metric.startswith(_TIMES):
        return Transform.LOG
    return Transform.NONE


def sane(values: Iterable[float]) -> list[float]:
    """Those of the values that can be charted: numbers of a sane size."""
    return [each for each in values if -MOST_EVER < each < MOST_EVER]


class Scale:
    """A transform as it fits one history. What has values outside its range is charted as it is."""

    def __init__(self, transform: Transform, history: Sequence[float], recent: Sequence[float]) -> None:
        """Fit `transform` to `history`, neither empty nor insane, and to the points that are judged by it."""
        lowest, highest = min(*history, *recent), max(*history, *recent)
        is_outside = lowest < 0 or (transform is Transform.LOGIT and highest > 1)
        self.transform = Transform.NONE if is_outside else transform
        self._least, self._most = CLIP, 1 - CLIP
        if self.transform is Transform.LOG:
            self._least, self._most = max(LEAST_EVER, LEAST_SHARE * sum(history) / len(history)), MOST_EVER
        self._needs_clipping = lowest < self._least or highest > self._most

    def of(self, values: Sequence[float]) -> list[float]:
        """Where the values are on the scale."""
        if self.transform is Transform.NONE:
            return list(values)
        if self._needs_clipping:
            least, most = self._least, self._most
            values = [min(max(each, least), most) for each in values]
        if self.transform is Transform.LOG:
            return list(map(math.log, values))
        log = math.log
        return [log(each / (1 - each)) for each in values]

    def place_of(self, value: float) -> float:
        """Where one value is on the scale; it need not be one of those that the scale was fitted to."""
        if self.transform is Transform.NONE:
            return value
        clipped = min(max(value, self._least), self._most)
        return math.log(clipped) if self.transform is Transform.LOG else math.log(clipped / (1 - clipped))

    def back(self, place: float) -> float:
        """The value that is at `place`, in the metric's own units."""
        if self.transform is Transform.LOG:
            return math.exp(min(place, 700.0))
        if self.transform is Transform.LOGIT:
            return 1 / (1 + math.exp(-max(place, -700.0)))
        return place

    def least_sd(self, mean: float, floor: float) -> float:
        """The least spread that is believed around `mean` on the scale. `floor` is one in the metric's own units.

        A history that never moved would make every change an infinite one.
        """
        natural = 1e-3 * abs(mean) if self.transform is Transform.NONE else 1e-2
        if floor > 0:
            usual = self.back(mean)
            up, down = self.place_of(usual + floor) - mean, mean - self.place_of(usual - floor)
            natural = max(natural, min(up, down))
        return max(natural, 1e-9)
