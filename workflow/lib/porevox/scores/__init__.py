"""Scores: metrics and their bootstrap."""
