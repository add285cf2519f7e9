"""What people read: self-contained HTML without a network, and the same figures as JSON."""
