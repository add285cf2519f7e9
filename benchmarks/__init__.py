"""How fast the data gate is, beside the floor and its peers."""
