"""Device drivers: pure codecs and thin I/O shells, found by entry point."""
