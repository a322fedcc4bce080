"""The course's experiments as data: small TOML files, one way to run them, one report. See `experiment`."""
