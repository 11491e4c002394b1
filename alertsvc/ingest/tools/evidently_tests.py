"""Evidently's drift tests: on which side of its threshold each one's score means drift.

A name alone says nothing: Evidently's `ks` is a p-value, another tool's the distance, and `TVD` is a p-value in spite
of its name. A test that Evidently chose by itself goes by its display name, one that the user chose by its short one.

Source: `evidently.legacy.calculations.stattests` (0.7.23), the same registry as before.
"""

import math
import re
from dataclasses import dataclass

from alertsvc.ingest.metrics import Direction

SHARE, SCORE = "drift_share", "drift_score"
"""What the drift of all columns, and that of one, is called here."""

_P_VALUES = {
    "ks": "K-S p_value",
    "chisquare": "chi-square p_value",
    "z": "Z-test p_value",
    "anderson": "Anderson-Darling",
    "cramer_von_mises": "Cramer-von Mises",
    "es": "Epps-Singleton",
    "fisher_exact": "Fisher's Exact test",
    "g_test": "G-test",
    "mannw": "Mann-Whitney U-rank test",
    "empirical_mmd": "Empirical MMD",
    "t_test": "T-test",
    "tvd": "Total-Variation-Distance",
}
_DISTANCES = {
    "psi": "PSI",
    "wasserstein": "Wasserstein distance (normed)",
    "jensenshannon": "Jensen-Shannon distance",
    "kl_div": "Kullback-Leibler divergence",
    "hellinger": "Hellinger distance",
    "ed": "Energy-distance",
    "perc_text_content_drift": "Percentile text content drift",
    "abs_text_content_drift": "Absolute text content drift",
}


@dataclass(frozen=True, slots=True)
class Score:
    """What the score of a drift test is, and on which side of the threshold it means drift."""

    score_type: str
    direction: Direction

    def is_drift(self, value: float, threshold: float) -> bool:
        """What follows from the numbers where the tool gives no verdict; the threshold itself is drift."""
        return value <= threshold if self.direction is Direction.BELOW else value >= threshold


_P_VALUE, _DISTANCE = Score("p_value", Direction.BELOW), Score("distance", Direction.ABOVE)
_SCORES = {
    name.lower(): score
    for names, score in ((_P_VALUES, _P_VALUE), (_DISTANCES, _DISTANCE))
    for pair in names.items()
    for name in pair
}
_BY_ITSELF = frozenset({*_P_VALUES.values(), *_DISTANCES.values()})
_SAID = re.compile(
    r"The drift detection method is (?P<method>.+?)\. "
    r"The drift (?:detection )?threshold is (?P<threshold>[0-9.eE+-]*[0-9])"
)


def score_of(method: str | None) -> Score | None:
    """What the score of a test is; None for one that is not known."""
    name = (method or "").strip().lower()
    found = _SCORES.get(name)
    return _P_VALUE if found is None and name.endswith(("p_value", "p-value")) else found


def is_lost(value: object) -> bool:
    """Whether a number should stand here and does not: NaN, or the null that JSON writers make of it."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def chosen_from(method: str | None) -> frozenset[str]:
    """The tests that Evidently might have chosen for a column instead of this one; none where the user chose it.

    Evidently takes another test when the reference has more rows, or the column fewer values than before.
    """
    return _BY_ITSELF - {method} if method in _BY_ITSELF else frozenset()


def said_in(description: str) -> tuple[str | None, float | None]:
    """The test and the threshold that a description names, the second one rounded."""
    found = _SAID.search(description[:2000])
    if found is None:
        return None, None
    try:
        return found["method"], float(found["threshold"])
    except ValueError:
        return found["method"], None
