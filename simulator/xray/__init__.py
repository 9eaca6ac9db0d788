"""Simulated X-ray pictures of parcels."""
