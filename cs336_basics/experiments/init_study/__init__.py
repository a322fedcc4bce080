"""Why the initialisation matters: what every rule does to the signals of models of several depths."""
