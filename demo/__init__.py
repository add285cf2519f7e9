"""`make demo`: the whole loop on this laptop, with real flights, told step by step."""
