"""One module per tool: its report becomes findings, and a finding a direct event. Pure; no tool is imported."""
