"""Experiment trackers: what is told of every run, and to whom. Ledger and registry never depend on them. Pure."""
