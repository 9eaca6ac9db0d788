"""Storms: the real station on a virtual clock, with faults drawn from a seed."""
