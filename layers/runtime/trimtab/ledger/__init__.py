"""The ledger's rules: how entries are chained and what makes a chain whole."""

from trimtab.ledger.chain import GENESIS, canonical_json, ensure_holds, entry_hash, next_entry, verify_chain

__all__ = ["GENESIS", "canonical_json", "ensure_holds", "entry_hash", "next_entry", "verify_chain"]
