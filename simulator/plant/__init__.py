"""The plant's physics, pure and seeded: belt, parcels, eyes, diverter, devices."""
