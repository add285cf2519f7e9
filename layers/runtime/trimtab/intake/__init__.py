"""What becomes of a dropped file: claimed once, then accepted or kept in quarantine. Pure."""
