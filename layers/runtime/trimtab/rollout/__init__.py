"""Promotion as decisions: what may be deployed, how traffic moves, and what the outcome is. Pure."""
