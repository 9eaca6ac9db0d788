"""The inspection station: what runs on the line's PC."""
