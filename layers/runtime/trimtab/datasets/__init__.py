"""Training sets made from accepted drops: joined with their truth, cut by time, named by their content. Pure."""
