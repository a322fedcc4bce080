"""What an experiment is, and how it is read from its file. See `experiment`."""
