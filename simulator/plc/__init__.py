"""A PLC program for the line, as docs/plc-interface.md asks for it: pure, one call a scan."""
