"""What people are told: what happened, how much, since when, what was done, what to do. Pure, but for HTTPS itself."""
