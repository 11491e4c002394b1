"""A run of a checkpoint of Great Expectations with the recipe's action."""

import sys

import great_expectations as gx
from frames import frame
from great_expectations_action import AlertsvcAction

data = frame()
if sys.argv[1] == "bad":
    data.loc[:100, "age"] = None
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("daily").add_dataframe_asset("customers")
batch = asset.add_batch_definition_whole_dataframe("all")
not_null = gx.expectations.ExpectColumnValuesToNotBeNull(column="age", severity="critical")
suite = context.suites.add(gx.ExpectationSuite(name="customers", expectations=[not_null]))
validation = context.validation_definitions.add(gx.ValidationDefinition(name="customers", data=batch, suite=suite))
checkpoint = context.checkpoints.add(
    gx.Checkpoint(
        name="nightly", validation_definitions=[validation], actions=[AlertsvcAction(name="tell", model="churn")]
    )
)
result = checkpoint.run(batch_parameters={"dataframe": data})
print("success" if result.success else "failure")
