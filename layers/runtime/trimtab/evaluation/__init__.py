"""How a candidate is judged: metrics, intervals, comparisons and gates. Pure; gates need only Python itself."""
