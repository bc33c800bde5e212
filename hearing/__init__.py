"""Networks that hear: trained here, exported to ONNX, and run by `spectro`."""
