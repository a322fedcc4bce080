"""From a trained model to new tokens; nothing here knows of text."""
