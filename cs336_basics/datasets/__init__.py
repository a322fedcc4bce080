"""The course's data sets: where they are, and how a file of gigabytes gets here whole."""
