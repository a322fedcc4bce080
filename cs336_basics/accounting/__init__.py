"""What a model costs: parameters, floating point operations, memory, time. Plain numbers, without torch.

`parts/` has the formulas of each part of a model, `parts/build.py` puts them together as `nn.build` does the
modules, and each file here asks them one question.
"""

from cs336_basics.accounting.activations import activation_bytes as activation_bytes
from cs336_basics.accounting.activations import saved_by_part as saved_by_part
from cs336_basics.accounting.batch import Batch as Batch
from cs336_basics.accounting.engines import engine_of as engine_of
from cs336_basics.accounting.largest_batch import largest_batch as largest_batch
from cs336_basics.accounting.matrix_products import flops_shares as flops_shares
from cs336_basics.accounting.matrix_products import forward_flops as forward_flops
from cs336_basics.accounting.matrix_products import matrix_products as matrix_products
from cs336_basics.accounting.matrix_products import training_flops as training_flops
from cs336_basics.accounting.memory import MemoryEstimate as MemoryEstimate
from cs336_basics.accounting.memory import estimate_memory as estimate_memory
from cs336_basics.accounting.optimizer_cost import optimizer_cost as optimizer_cost
from cs336_basics.accounting.optimizer_cost import optimizer_flops as optimizer_flops
from cs336_basics.accounting.optimizer_cost import optimizer_state_bytes as optimizer_state_bytes
from cs336_basics.accounting.optimizers.choice import OPTIMIZERS as OPTIMIZERS
from cs336_basics.accounting.optimizers.cost import OptimizerCost as OptimizerCost
from cs336_basics.accounting.parameters import count_parameters as count_parameters
from cs336_basics.accounting.parameters import parameter_shapes as parameter_shapes
from cs336_basics.accounting.parameters import parameters_by_part as parameters_by_part
from cs336_basics.accounting.presets import MODELS as MODELS
from cs336_basics.accounting.textbook import textbook_activations as textbook_activations
from cs336_basics.accounting.textbook import textbook_largest_batch as textbook_largest_batch
from cs336_basics.accounting.textbook import textbook_memory as textbook_memory
from cs336_basics.accounting.training_time import training_seconds as training_seconds
