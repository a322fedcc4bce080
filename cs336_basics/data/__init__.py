"""From token files to batches of tensors."""
