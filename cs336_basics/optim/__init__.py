"""Optimizers, the learning-rate schedule and gradient clipping; nothing here knows of a model."""
