"""A Transformer language model built from scratch."""
