"""Container images that the local cloud can stand in for: recipes, locks, and the environments made from them."""
