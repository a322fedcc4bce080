"""From an experiment to its results: text, tokens, runs one after another or several at once. See `run`."""
