"""Energies: grids of points, force fields, the Lennard-Jones kernel."""
