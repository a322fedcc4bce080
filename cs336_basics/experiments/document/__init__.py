"""A document as data, and the same as Markdown and as one HTML page."""
