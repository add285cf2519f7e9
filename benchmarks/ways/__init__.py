"""The floors and the gate: each a process of its own that prints what it found as one line of JSON."""
