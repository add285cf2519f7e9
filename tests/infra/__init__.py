"""Assertions on what is synthesized: one synth a session, plain dicts."""
