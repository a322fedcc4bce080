"""The main job from end to end, on a text that every installation has: see `pipeline`."""
