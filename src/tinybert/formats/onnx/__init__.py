"""ONNX: written, quantized, read and run."""
