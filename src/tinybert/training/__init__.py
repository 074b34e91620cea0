"""What fine-tuning and distillation share: settings, batches, checkpoints."""
