"""The journal to MQTT, as a process of its own."""
