"""Tries the recipes of config/recipes with the real tools, each in an environment of its own.

    python -m tests.recipes [--tool NAME ...] [--folder DIR]

For each tool: an environment with the pinned version is made in DIR/NAME (else in a temporary folder),
the real service is started, and the tool runs there with the recipe: a bad run opens one incident, a good one ends it.
It downloads 0.4 to 1 GB for each tool, takes a minute or two, and needs a package index. Prints a line for each step,
and ends with 1 if one of them went wrong.
"""
