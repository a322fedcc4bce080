"""The training of a model: `loop.train` says when, `step.train_step` what, the functions they call how."""
