"""What every room stands on: errors, files, faults, progress, processes. No PyTorch."""
