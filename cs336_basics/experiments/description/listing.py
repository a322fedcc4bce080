"""What `cs336 experiment list` shows."""

from cs336_basics.experiments.description.experiment import Scale
from cs336_basics.experiments.description.experiment_file import read_experiment
from cs336_basics.experiments.description.shipped import find_experiment, shipped_names


def listing(scale: Scale) -> str:
    """Return a line for each shipped experiment: name, runs at a scale, question."""
    experiments = [read_experiment(find_experiment(name), scale) for name in shipped_names()]
    width = max(len(experiment.name) for experiment in experiments)
    lines = [
        f"{experiment.name:{width}}  {experiment.num_runs:4}  {experiment.question}"
        for experiment in experiments
    ]
    return "\n".join([f"{'name':{width}}  runs  question (runs at the scale {scale})", *lines])
