"""How fast the statistics of an evaluation are beside bare scikit-learn, and what the champion's rule can see."""
