"""Checkpoints: the course's single file, and the folder that a training run writes."""
