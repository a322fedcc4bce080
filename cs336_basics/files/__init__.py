"""What the package knows about files: replacing one whole, reading text, and files of token ids."""
