"""What a model is worth and what it costs: metrics, intervals, size, latency, memory."""
