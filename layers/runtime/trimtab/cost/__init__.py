"""What a model costs by dated list prices: a month on paper, and the day that has been. Pure."""
