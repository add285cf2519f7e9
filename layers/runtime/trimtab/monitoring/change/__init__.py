"""Change over time: what a series of readings says that no single reading does. Needs only Python itself."""
