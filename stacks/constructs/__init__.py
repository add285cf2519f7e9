"""Constructs: one per file. Each says what it owns and whether it holds state."""
