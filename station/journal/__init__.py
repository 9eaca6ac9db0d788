"""The append-only record of all that happened."""
