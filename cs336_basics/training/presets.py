"""Ready settings by name. The vocabulary is the tokenizer's wherever a tokenizer is given."""

from dataclasses import replace
from typing import Literal

from cs336_basics.nn.config import ModelConfig
from cs336_basics.training.config import OptimizerConfig, RunConfig, TrainingConfig

PresetName = Literal["tiny", "quickstart", "experiment", "tinystories", "tinystories-cpu", "owt"]

# The course's base model (handout, section 7): 17 million parameters besides the embedding.
_TINYSTORIES_MODEL = ModelConfig(
    vocab_size=10_000,
    context_length=256,
    d_model=512,
    d_ff=1344,
    num_layers=4,
    num_heads=16,
    attention="chunked",
)
_COURSE_OPTIMIZER = OptimizerConfig(learning_rate=1.8e-3, warmup_steps=500)
_COURSE_TRAINING = TrainingConfig(
    steps=10_000,
    batch_size=128,
    evaluation_interval=500,
    evaluation_tokens=1_000_000,
    checkpoint_interval=500,
)

PRESETS: dict[PresetName, RunConfig] = {
    # Seconds on a CPU: to see that everything works.
    "tiny": RunConfig(
        model=ModelConfig(
            vocab_size=1000, context_length=64, d_model=64, num_layers=2, num_heads=4, attention="chunked"
        ),
        optimizer=OptimizerConfig(learning_rate=3e-3, warmup_steps=20),
        training=TrainingConfig(steps=200, batch_size=16, evaluation_interval=50, checkpoint_interval=100),
    ),
    # Minutes on a CPU: what `cs336 quickstart` trains; it sets the steps by the time that is given. A few
    # million tokens are all that a CPU sees by then: a small model that takes many steps does best.
    "quickstart": RunConfig(
        model=ModelConfig(
            vocab_size=4096,
            context_length=128,
            d_model=192,
            num_layers=3,
            num_heads=3,
            attention="chunked",
            tie_embeddings=True,
        ),
        # Tried with 1,200 steps of it: AdamW's rate for the embedding and Muon's for the matrices (this rate
        # times muon_update_rms) matter most, and are best far apart.
        optimizer=OptimizerConfig(
            optimizer="muon",
            learning_rate=1.5e-2,
            min_learning_rate=0.0,
            warmup_steps=50,
            beta2=0.99,
            muon_update_rms=0.07,
        ),
        training=TrainingConfig(
            steps=2000,
            batch_size=8,
            evaluation_interval=250,
            evaluation_tokens=16_384,
            checkpoint_interval=250,
        ),
    ),
    # Less than a minute on a CPU: what `cs336 experiment run --scale tiny` trains again and again.
    "experiment": RunConfig(
        model=ModelConfig(
            vocab_size=2048, context_length=128, d_model=128, num_layers=3, num_heads=4, attention="chunked"
        ),
        optimizer=OptimizerConfig(learning_rate=1e-2, min_learning_rate=0.0, warmup_steps=40),
        training=TrainingConfig(
            steps=400,
            batch_size=8,
            evaluation_interval=50,
            evaluation_tokens=16_384,
            checkpoint_interval=100,
        ),
    ),
    # 327,680,000 tokens: 30 to 40 minutes on an H100, says the course.
    "tinystories": RunConfig(
        model=_TINYSTORIES_MODEL,
        optimizer=_COURSE_OPTIMIZER,
        training=_COURSE_TRAINING,
    ),
    # 40,960,000 tokens: 82 minutes on the CPU of an M3 Max, says the course.
    "tinystories-cpu": RunConfig(
        model=_TINYSTORIES_MODEL,
        optimizer=OptimizerConfig(learning_rate=1.8e-3, warmup_steps=250),
        training=TrainingConfig(
            steps=5_000,
            batch_size=32,
            evaluation_interval=250,
            evaluation_tokens=100_000,
            checkpoint_interval=250,
        ),
    ),
    # The same model, steps and batches on OpenWebText (handout, section 7.4).
    "owt": RunConfig(
        model=replace(_TINYSTORIES_MODEL, vocab_size=32_000),
        optimizer=_COURSE_OPTIMIZER,
        training=_COURSE_TRAINING,
    ),
}
