"""The demo: the plant, a broker, the real daemon and a live view, each a process or a thread of its own."""
