"""One parcel's story from the journal, for a technician: when, where, whose readings, why, and what the PLC did."""

from station.explain.draw import svg
from station.explain.screen import picture
from station.explain.story import ExplainError, Story, tell

__all__ = ["ExplainError", "Story", "picture", "svg", "tell"]
