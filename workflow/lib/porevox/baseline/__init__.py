"""Baselines: models without a neural network, one module each, kept as plain arrays."""
