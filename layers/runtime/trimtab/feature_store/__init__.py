"""Accepted rows as records of a feature store, and back: for training as of a time, for serving by id. Pure."""
