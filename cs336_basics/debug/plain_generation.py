"""Continue a text with the model of a run as plainly as it can be done, to step through line by line.

`python -m cs336_basics.debug.plain_generation RUN --prompt TEXT ...` writes what `cs336 generate` writes with
the same settings. But there is no key-value cache, so that each token is a pass through
`TransformerLM.forward`, and attention takes its reference form, whichever the run was trained with.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from cs336_basics.generation.plain_decoding import generate_plainly
from cs336_basics.generation.text import prompt_ids, seeded_generator
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import END_OF_TEXT
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run


def main() -> None:
    """Read the settings from the command line and print the prompt with its continuation."""
    settings = parse_settings()
    run = RunFolder(settings.run)
    tokenizer = open_run_tokenizer(run)
    model = with_reference_attention(open_trained_run(run, device="cpu").model)
    (continuation,) = generate_plainly(
        model,
        [prompt_ids(tokenizer, settings.prompt)],
        settings.max_new_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        stop_token_id=tokenizer.special_token_ids.get(END_OF_TEXT),
        generator=seeded_generator(model, settings.seed),
    )
    print(settings.prompt + tokenizer.decode(continuation))


def parse_settings() -> argparse.Namespace:
    """Return what the command line says; all of it is needed, so that it can be seen where it is started."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("--prompt", required=True, help="text to continue")
    parser.add_argument("--max-new-tokens", type=int, required=True)
    parser.add_argument("--temperature", type=float, required=True, help="0 takes the likeliest token")
    parser.add_argument("--top-p", type=float, required=True, help="1 keeps all tokens")
    parser.add_argument("--seed", type=int, required=True)
    return parser.parse_args()


def with_reference_attention(model: TransformerLM) -> TransformerLM:
    """Return a model of the same weights whose attention shows its scores and weights."""
    readable = TransformerLM.from_config(replace(model.config, attention="reference"))
    readable.load_state_dict(model.state_dict())
    return readable


if __name__ == "__main__":
    main()
