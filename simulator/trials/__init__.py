"""Trials: a part of the station against the truth, on virtual time, many parcels at once."""
