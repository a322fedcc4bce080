"""Optimizers, learning-rate schedules and gradient clipping; nothing here knows of a model."""
