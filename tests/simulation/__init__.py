"""The engine on a clock that nobody waits for: whole days of faults in seconds, and each of them again by its seed.

`python -m tests.simulation --seeds 1000` plays a thousand; `--seed 17` plays one and tells its story.
"""
