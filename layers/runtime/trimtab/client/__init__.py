"""For callers of an endpoint: who gets which variant, the same one every time. Needs nothing else of Trimtab."""

from trimtab.client.sticky import Sticky, variant_of

__all__ = ["Sticky", "variant_of"]
