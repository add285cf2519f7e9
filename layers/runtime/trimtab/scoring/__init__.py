"""Files of records, scored by batch transform: what a job is given, and what came of it."""
