"""How good a model is on a text that it was not trained on."""
