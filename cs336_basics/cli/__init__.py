"""The command line: a file for each subcommand, which parses, builds and calls, and has no logic of its own.

What a subcommand needs beyond its options is imported when it runs, so that `--help` and the tokenizer's
commands never load torch.
"""
