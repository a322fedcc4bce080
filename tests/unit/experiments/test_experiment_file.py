from typing import get_args

import pytest

from cs336_basics.experiments.description.experiment import Scale
from cs336_basics.experiments.description.experiment_file import read_experiment
from cs336_basics.experiments.description.listing import listing
from cs336_basics.experiments.description.shipped import find_experiment, shipped_names

ASKED_FOR = {
    "learning-rate", "batch-size", "no-norm", "post-norm", "no-position", "silu", "init", "tied", "optimizer",
    "vocabulary-size", "context-length", "overfit-one-batch", "generate", "owt", "leaderboard",
}  # fmt: skip
ABLATIONS = {"no-norm", "post-norm", "no-position", "silu", "init", "tied", "optimizer"}

HEAD = 'title = "T"\nquestion = "Q?"\n'


def experiment_of(tmp_path, text, scale: Scale = "tiny"):
    (tmp_path / "mine.toml").write_text(HEAD + text, encoding="utf-8")
    return read_experiment(tmp_path / "mine.toml", scale)


def test_the_package_has_every_experiment_of_the_course():
    assert set(shipped_names()) == ASKED_FOR


@pytest.mark.parametrize("scale", get_args(Scale))
@pytest.mark.parametrize("name", sorted(ASKED_FOR))
def test_shipped_experiment_gives_configurations_at_every_scale(name, scale):
    experiment = read_experiment(find_experiment(name), scale)
    configs = [experiment.config_of(variant) for variant in experiment.variants]
    assert len(configs) == len({str(config) for config in configs})
    assert experiment.num_runs == len(configs) * len(experiment.seeds)
    if scale == "tiny" and name in ABLATIONS:
        assert len(experiment.seeds) >= 2
        assert experiment.baseline is not None


@pytest.mark.parametrize(
    ("name", "scale", "tokens"),
    [
        ("learning-rate", "course", 327_680_000),
        ("learning-rate", "small", 40_960_000),
        ("batch-size", "course", 327_680_000),
        ("batch-size", "small", 40_960_000),
        ("context-length", "course", 327_680_000),
        ("silu", "course", 327_680_000),
        ("owt", "course", 327_680_000),
    ],
)
def test_every_run_sees_the_courses_number_of_tokens(name, scale, tokens):
    experiment = read_experiment(find_experiment(name), scale)
    for variant in experiment.variants:
        config = experiment.config_of(variant)
        assert config.tokens_per_step * config.training.steps == tokens


def test_openwebtext_has_the_courses_vocabulary():
    experiment = read_experiment(find_experiment("owt"), "course")
    assert experiment.base.model.vocab_size == 32_000
    assert experiment.made_for == "OpenWebText"


def test_lists_make_every_combination_and_rows_stay_together(tmp_path):
    experiment = experiment_of(
        tmp_path,
        "vary.optimizer.learning_rate = [1e-3, 3]\nvary.model.norm = ['pre', 'none']\n"
        "together.training.batch_size = [2, 4]\ntogether.training.steps = [40, 20]\n",
    )
    assert len(experiment.variants) == 8
    last = experiment.variants[-1]
    assert last.name == "batch_size=4_learning_rate=3_norm=none"
    assert last.changes == {
        "training.batch_size": 4,
        "training.steps": 20,
        "optimizer.learning_rate": 3.0,
        "model.norm": "none",
    }
    config = experiment.config_of(last)
    assert (config.training.batch_size, config.training.steps, config.model.norm) == (4, 20, "none")


def test_large_values_make_names_of_folders(tmp_path):
    experiment = experiment_of(tmp_path, "vary.model.rope_theta = [1e4, 1e6, 1e-6]\n")
    names = [variant.name for variant in experiment.variants]
    assert names == ["rope_theta=10000", "rope_theta=1e06", "rope_theta=1e-06"]


def test_scale_adds_its_settings_and_replaces_the_rest(tmp_path):
    text = (
        "preset = 'tiny'\nseeds = [0, 1]\nmodel.d_model = 8\nmodel.num_heads = 2\n"
        "vary.model.norm = ['pre', 'none']\n[scale.tiny]\n[scale.small]\nmodel.num_layers = 3\nseeds = [5]\n"
        "vary.model.position = ['none']\n"
    )
    tiny, small = experiment_of(tmp_path, text), experiment_of(tmp_path, text, "small")
    assert (tiny.base.model.d_model, tiny.base.model.num_layers, tiny.seeds) == (8, 2, (0, 1))
    assert (small.base.model.d_model, small.base.model.num_layers, small.seeds) == (8, 3, (5,))
    assert [variant.name for variant in small.variants] == ["position=none"]


def test_file_without_lists_has_one_variant_and_without_scales_is_the_same_at_all(tmp_path):
    experiments = [experiment_of(tmp_path, "preset = 'tiny'\n", scale) for scale in get_args(Scale)]
    assert [len(experiment.variants) for experiment in experiments] == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lerning_rate = 3", "an experiment has no key 'lerning_rate'"),
        ("[scale.tiny]\nfoo = 3", "scale.tiny has no key 'foo'"),
        ("[scale.huge]\nseeds = [3]", "scale has no key 'huge'"),
        ("[scale.small]\nseeds = [3]", "made for the scales small but not for tiny"),
        ("scale = 3", "scale must be a table but is 3"),
        ("model.width = 3", "no field model.width"),
        ("vary.optimizer.lr = [3]", "no field optimizer.lr"),
        ("vary.optimizer.learning_rate = 3", "vary.optimizer.learning_rate must be a list"),
        ("vary.optimizer.learning_rate = []", "vary.optimizer.learning_rate must be a list"),
        ("model = 3", "model must be a table but is 3"),
        ("optimizer.learning_rate = -1", "learning_rate must not be negative but is -1"),
        ("training.seed = 7", "trained with all seeds, but is 7; write seeds = [7]"),
        ("vary.training.seed = [0, 3]", "trained with all seeds, but is 3; write seeds = [3]"),
        ("vary.training.steps = [5, 0]", "steps must be at least 1 but is 0"),
        ("training.steps = 2.5", "training.steps must be a whole number but is 2.5"),
        ("training.compile = 1", "training.compile must be true or false but is 1"),
        ("vary.model.norm = ['pre', 'both']", "model.norm must be one of pre, post, none but is 'both'"),
        ("vary.training.steps = [5, 7, 5]", "the names of variants must differ but 'steps=5' is there 2"),
        ("[[variant]]\nname = 'a'\n[[variant]]\nname = 'a'", "the names of variants must differ but 'a'"),
        ("[[variant]]\nname = 'A'\n[[variant]]\nname = 'a'", "whatever their case, must differ but 'a' is"),
        ("[[variant]]\nname = '../a'", "one is '../a'"),
        ("[[variant]]\nmodel.norm = 'none'", "a variant needs a name"),
        (
            "[[variant]]\nname = 'a'\nmodel.nrm = 'none'",
            "variant 'a': a configuration has no field model.nrm",
        ),
        ("[variant]\nname = 'a'", "variant must be a list of tables"),
        ("seeds = [1, 2, 1]", "seeds must differ but 1 is there 2 times"),
        ("seeds = []", "seeds must hold at least one"),
        ("seeds = [-3]", "seeds must not be negative but one is -3"),
        ("seeds = 3", "seeds must be a list, each entry a whole number but is 3"),
        ("preset = 'huge'", "preset must be one of tiny"),
        ("baseline = 'x'", "baseline must be one of base but is 'x'"),
        ("train_tokens = 1", "train_tokens must be at least 2 but is 1"),
        ("title = 'again'", "overwrite"),
        ("together.training.steps = [3, 5]\ntogether.training.batch_size = [3]", "must be of one length"),
        ("[samples]\ntop_p = [0.0]", "samples.top_p must lie in (0, 1] but one is 0.0"),
        ("[samples]\ntemperatures = [-1]", "samples.temperatures must not be negative"),
        ("[samples]\ntemperature = [1]", "samples has no key 'temperature'"),
        ("[samples]\nmax_new_tokens = 0", "samples.max_new_tokens must be at least 1"),
        ("seeds = [", "mine.toml: "),
    ],
)
def test_wrong_file_is_one_sentence_with_file_and_key(tmp_path, text, message):
    with pytest.raises(ValueError, match="mine") as caught:
        experiment_of(tmp_path, text + "\n")
    assert str(tmp_path / "mine.toml") in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_without_a_question_and_no_file_are_errors(tmp_path):
    (tmp_path / "mine.toml").write_text("title = 'T'\n", encoding="utf-8")
    with pytest.raises(ValueError, match="question must be a text but is None"):
        read_experiment(tmp_path / "mine.toml", "tiny")
    with pytest.raises(FileNotFoundError, match="expected an experiment file but found none"):
        read_experiment(tmp_path / "yours.toml", "tiny")


def test_experiment_is_found_by_name_or_path_and_a_shipped_name_is_taken(tmp_path):
    assert find_experiment("no-norm").name == "no-norm.toml"
    assert find_experiment(str(tmp_path / "mine.toml")) == tmp_path / "mine.toml"
    with pytest.raises(ValueError, match="there is none 'no-nrm'"):
        find_experiment("no-nrm")
    with pytest.raises(ValueError, match="'no-norm' comes with the package; rename the file"):
        find_experiment(str(tmp_path / "no-norm.toml"))


def test_listing_has_a_line_for_each_experiment():
    lines = listing("course").splitlines()
    assert {line.split()[0] for line in lines[1:]} == ASKED_FOR
    assert next(line for line in lines if line.startswith("learning-rate")).split()[1] == "7"
