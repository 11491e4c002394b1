"""A flow of Prefect with the recipe's hook. It fails, or completes."""

import sys

from prefect import flow
from prefect_hook import hook

tell = hook(model="churn")


@flow(name="nightly", on_failure=[tell], on_crashed=[tell], on_completion=[tell])
def nightly() -> str:
    if sys.argv[1] == "bad":
        raise ValueError("no rows for today")
    return "fine"


state = nightly(return_state=True)
print(state.name)
