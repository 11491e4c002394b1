"""scikit-learn, and anything with a `score`: measure after training, and let the service judge."""

from typing import Any

from alertsvc.client import AlertClient, Result


def report_score(
    client: AlertClient, model: str, estimator: Any, x: Any, y: Any, *, at_least: float, metric: str = "accuracy"
) -> Result:
    """Send `estimator.score(x, y)`: an alert when it is `at_least` or less, its end with the first better one.

    The score is a number of numpy, or NaN where nothing could be computed: both are taken, and the latter alerts.
    """
    score = estimator.score(x, y)
    window: Any = {"n_current": len(y)}
    return client.metric(model, metric, score, threshold=at_least, direction="below", window=window)
