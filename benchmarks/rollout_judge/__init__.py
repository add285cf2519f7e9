"""How soon a judge notices a bad fleet, and how often it condemns a good one."""
