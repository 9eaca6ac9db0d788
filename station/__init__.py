"""The inspection station: what runs on the line's PC."""

__version__ = "0.1.0"
