"""Small programs to step through in a debugger."""
