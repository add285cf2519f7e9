"""Kinds of ledger entries that more than one part reads; what only one part writes and reads stays with it."""

SERVING = "rollout.serving"
"""A promoted version took all the traffic."""
RESTORED = "rollback.done"
"""An earlier version took the traffic back."""
