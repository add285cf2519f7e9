"""Healing with restraint: when a model may be trained again by itself. Pure."""
