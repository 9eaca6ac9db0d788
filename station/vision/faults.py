"""What can be wrong with a model, a detector's answer, or a picture; each says so in one sentence for a technician."""

from __future__ import annotations


class ModelError(Exception):
    """A model folder that must not be used: which file, what is wrong, what to do."""


class DetectorFault(Exception):  # noqa: N818
    """An answer of the detector that is none: the parcel it was asked about goes to inspection."""


class PictureFault(Exception):  # noqa: N818
    """Bytes that are no whole picture of the kind that the station expects."""
