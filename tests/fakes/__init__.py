"""Providers with memory: they answer as the originals do, faults included, and remember what they made of it."""
