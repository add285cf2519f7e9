"""Production measured: captured traffic into windows, windows against baselines, predictions against truth. Pure."""
