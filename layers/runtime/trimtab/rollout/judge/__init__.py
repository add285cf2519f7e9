"""Judges a new fleet against the old one in the same minutes: pure, and needs nothing but Python."""
