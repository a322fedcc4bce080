"""Services that take the numbers of a run besides metrics.jsonl, each in a file of its own."""
