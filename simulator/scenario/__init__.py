"""Scenarios: what comes along a belt, what goes wrong when, and what the station must make of it, in one YAML file."""
