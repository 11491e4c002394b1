"""A classifier of scikit-learn, scored with the recipe; and what numpy has for numbers, sent as it is."""

import sys

import numpy as np
from scikit_learn import report_score
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from alertsvc.client import AlertClient

dice = np.random.default_rng(1)
x = dice.normal(size=(800, 3))
y = x[:, 0] > 0
model = (DummyClassifier(strategy="constant", constant=True) if sys.argv[1] == "bad" else LogisticRegression()).fit(
    x, y
)
client = AlertClient(raise_errors=True)
result = report_score(client, "churn", model, x, y, at_least=0.8)
for name, value in (("a", np.float32(0.5)), ("b", np.int64(3)), ("c", np.bool_(True)), ("d", np.array(0.25))):
    details = {"array": x[:2], "scalar": value, "nan": np.float64("nan"), name: [value]}
    sent = client.metric("churn", name, value, threshold=1e9, direction="above", details=details)
    assert sent.item.state == "ok", sent
print(result.item.state, result.item.decided_by)
