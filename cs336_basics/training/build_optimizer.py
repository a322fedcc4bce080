"""From a configuration to an optimizer: the only file that builds the chosen one."""

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.optim import Optimizer

from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.adamw import AdamW
from cs336_basics.optim.combined import CombinedOptimizer
from cs336_basics.optim.muon import Muon
from cs336_basics.optim.sgd import SGD
from cs336_basics.training.config import OptimizerConfig, OptimizerName, RunConfig


def new_optimizer(model: TransformerLM, config: RunConfig) -> Optimizer:
    """Return the optimizer chosen; `config` must name a precision. Each step sets the `lr` of its groups."""
    return OPTIMIZERS[config.optimizer.optimizer](model, config)


def adamw(model: TransformerLM, config: RunConfig) -> Optimizer:
    """Return AdamW for everything."""
    return adamw_of(list(model.parameters()), config.optimizer)


def sgd(model: TransformerLM, config: RunConfig) -> Optimizer:
    """Return SGD for everything, with the schedule's learning rate in place of SGD's own decay."""
    return SGD(model.parameters(), lr=config.optimizer.learning_rate, decay=False)


def muon(model: TransformerLM, config: RunConfig) -> Optimizer:
    """Return Muon for the matrices of the blocks and AdamW for embedding, head and the gains of the norms."""
    matrices = [parameter for parameter in model.layers.parameters() if parameter.ndim >= 2]
    chosen = {id(parameter) for parameter in matrices}
    others = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
    for_matrices = Muon(
        matrices,
        lr=config.optimizer.learning_rate,
        momentum=config.optimizer.muon_momentum,
        update_rms=config.optimizer.muon_update_rms,
        weight_decay=config.optimizer.weight_decay,
        bfloat16=config.training.precision == "bf16",
    )
    return CombinedOptimizer([for_matrices, adamw_of(others, config.optimizer)])


def adamw_of(parameters: Sequence[Tensor], config: OptimizerConfig) -> AdamW:
    """Return AdamW with weight decay for the matrices and none for the gains of the norms."""
    matrices = [parameter for parameter in parameters if parameter.ndim >= 2]
    gains = [parameter for parameter in parameters if parameter.ndim < 2]
    groups = [{"params": matrices}, {"params": gains, "weight_decay": 0.0}]
    return AdamW(
        groups,
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        weight_decay=config.weight_decay,
    )


OPTIMIZERS: dict[OptimizerName, Callable[[TransformerLM, RunConfig], Optimizer]] = {
    "adamw": adamw,
    "sgd": sgd,
    "muon": muon,
}
