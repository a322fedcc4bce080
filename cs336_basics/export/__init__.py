"""What people train here, as files that other libraries read."""
