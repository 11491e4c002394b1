"""Limits that follow a series of scores: when is a value unlike what came before it. Pure arithmetic, no state kept."""
