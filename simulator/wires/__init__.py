"""The plant's real wires: ptys, Modbus servers, picture files, the signal seam."""
