"""Breaks things around a running service, and looks whether what it promises holds all the same.

    python -m tests.faults [--fault NAME ...] [--runs N] [--database sqlite|postgresql] [--seed S] [--brief]

Prints a table, a row for each fault and database, and ends with 1 if a promise was broken. Another fault is a `Fault`
in one of the lists of `catalogue`: its name, what it does, and a run. For most the run is `under_load(strike)`: a
service with clients, providers and a database is up, `strike` does something to it, and the rest is looked after.
"""
