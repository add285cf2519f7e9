"""Trimtab's runtime library: shipped as a Lambda layer and inside every training bundle."""
