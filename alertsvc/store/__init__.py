"""All SQL: tables, transactions, and one module of functions per group of tables."""
