"""Reading, judging, profiling and comparing data. Pure: no AWS, no environment, no clock, no randomness."""
