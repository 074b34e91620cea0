"""OpenVINO IR: written, quantized, read and run."""
