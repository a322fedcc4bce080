"""How much memory `encode_iterable` takes over megabytes of text, with a vocabulary of GPT-2's size.

Each measurement runs in a process of its own, on the package without run-time type checks.
"""

import json
import pickle
import random
import subprocess
import sys
from itertools import accumulate

import pytest

VOCAB_SIZE = 50_257
NUM_TEXT_BYTES = {"words": 5_000_000, "rare": 2_000_000, "long": 2_000_000}
MEGABYTE = 1_000_000

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory as on Linux")

PROGRAM = """
import gc, json, pickle, resource, sys
import psutil
from cs336_basics.tokenization import Tokenizer

folder, source, limited = sys.argv[1:]
with open(folder + "/trained.pickle", "rb") as file:
    vocab, merges = pickle.load(file)
tokenizer = Tokenizer(vocab, merges, ["<|endoftext|>"])
file = open(folder + "/" + source.partition("-")[0], newline="", encoding="utf-8")
pieces = [file.read()] if source.endswith("string") else file
del vocab, merges
gc.collect()
process = psutil.Process()
before = peak = process.memory_info().rss
if limited == "limited":
    resource.setrlimit(resource.RLIMIT_AS, (before + 1_000_000, -1))
count = 0
for id in tokenizer.encode_iterable(pieces):
    count += 1
    if count % 1000 == 0 and limited != "limited":
        peak = max(peak, process.memory_info().rss)
print(json.dumps({"growth": max(peak, process.memory_info().rss) - before, "count": count}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A vocabulary of prefixes of random words, and texts of such words, of rare ones, and of long ones."""
    folder = tmp_path_factory.mktemp("memory")
    generator = random.Random(1729)
    vocab = {byte: bytes([byte]) for byte in range(256)}
    merges = {}
    words = []
    while len(merges) < VOCAB_SIZE - 1 - 256:
        word = b" " + bytes(generator.choices(b"etaoinshrdlucmfw", k=generator.randint(2, 9)))
        words.append(word.decode())
        for end in range(2, len(word) + 1):
            if len(merges) < VOCAB_SIZE - 1 - 256 and (word[: end - 1], word[end - 1 : end]) not in merges:
                vocab[256 + len(merges)] = word[:end]
                merges[word[: end - 1], word[end - 1 : end]] = None
    (folder / "trained.pickle").write_bytes(pickle.dumps((vocab, list(merges))))
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    lines = ("".join(generator.choices(words, cum_weights=weights, k=15)) + "\n" for _ in iter(int, 1))
    write(folder / "words", lines)
    write(folder / "rare", (f" {generator.getrandbits(60):x}é\n<|endoftext|>" for _ in iter(int, 1)))
    long = ("".join(generator.choices("etaoin", k=4000)) for _ in iter(int, 1))
    write(folder / "long", (word + "\n" for word in long))
    return folder


def write(path, lines):
    num_bytes = 0
    with open(path, "w", encoding="utf-8") as file:
        while num_bytes < NUM_TEXT_BYTES[path.name]:
            num_bytes += file.write(next(lines))


def iterate(folder, source, limited="free"):
    command = [sys.executable, "-c", PROGRAM, folder, source, limited]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.mark.parametrize("source", ["words", "words-string", "rare", "long", "long-string"])
def test_encode_iterable_grows_by_less_than_a_megabyte(folder, source):
    report = iterate(folder, source)
    assert report["count"] > NUM_TEXT_BYTES[source.partition("-")[0]] / 10
    assert report["growth"] < MEGABYTE


@pytest.mark.parametrize("source", ["words", "words-string"])
def test_encode_iterable_finishes_where_the_process_may_not_grow(folder, source):
    assert iterate(folder, source, "limited")["count"] > NUM_TEXT_BYTES["words"] / 10


def test_encode_iterable_of_one_huge_pretoken_grows_in_proportion_to_it(folder):
    (folder / "huge").write_text("etaoin" * 100_000)
    report = iterate(folder, "huge")
    assert MEGABYTE < report["growth"] < 400 * 600_000
