"""Porevox: how well, and with how little data, does the energy surface predict gas uptake?"""

__version__ = "0.4.0"
