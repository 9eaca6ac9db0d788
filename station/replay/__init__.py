"""Decides every parcel anew, from the journal alone, by the very core that runs the line."""

from station.replay.difference import Difference, Verdict
from station.replay.engine import Replay
from station.replay.events import ReplayError
from station.replay.run import Result, replay_journal

__all__ = ["Difference", "Replay", "ReplayError", "Result", "Verdict", "replay_journal"]
