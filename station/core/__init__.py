"""The pure heart of the station: events in, actions out; no I/O, no clock, no threads."""
