"""Checkers of the tests' own: state machines against AWS's API models, roles against state machines."""
