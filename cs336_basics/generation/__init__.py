"""From a trained model to new tokens (`decoding`, `sampling`), and to new text (`text`)."""
