"""Crystals: from the text of a CIF to atoms in a cell."""
