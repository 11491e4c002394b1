"""Alert routing and incidents for teams who run ML models in production."""

__version__ = "0.1.0"
