"""What each optimizer of `optim/` costs, from the shapes of the parameters that it updates."""
