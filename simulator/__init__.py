"""The simulated plant, its real wires, and the demo."""
