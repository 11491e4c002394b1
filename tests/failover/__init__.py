"""A PostgreSQL of three nodes whose leader dies under load, again and again. A command, not a test: `__main__`."""
