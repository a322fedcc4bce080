import pytest

from cs336_basics.quickstart import documentation_corpus as corpus

LONG = "A docstring that is long enough to be counted as a text."


def test_docstrings_are_those_of_module_classes_and_functions(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        f'"""Module. {LONG}"""\n'
        f'class A:\n    """Class. {LONG}"""\n'
        f'    async def f(self):\n        """Method. {LONG}\n\n        Indented."""\n'
        f'def g():\n    """too short"""\n    x = """No docstring. {LONG}"""\n'
    )
    texts = corpus.docstrings(path)
    assert [text.split(".")[0] for text in texts] == ["Module", "Class", "Method"]
    assert texts[2].endswith("\n\nIndented.")


@pytest.mark.parametrize("content", [b"def (:\n", b"x = 1\x00\n", b'"""\\ud800' + LONG.encode() + b'"""\n'])
def test_files_without_a_usable_docstring_give_none(tmp_path, content):
    path = tmp_path / "module.py"
    path.write_bytes(content)
    assert corpus.docstrings(path) == []


def test_docstrings_does_not_run_the_file(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(f'"""{LONG}"""\nraise SystemExit\n')
    assert corpus.docstrings(path) == [LONG]


def test_about_a_twentieth_is_for_validation_and_the_text_alone_decides():
    texts = [f"text number {number}" for number in range(4000)]
    chosen = [text for text in texts if corpus.is_for_validation(text)]
    assert 150 < len(chosen) < 250
    assert [text for text in reversed(texts) if corpus.is_for_validation(text)] == chosen[::-1]


def test_source_files_hold_the_three_sources_in_a_fixed_order():
    files = corpus.source_files()
    assert files == corpus.source_files()
    assert len(set(files)) == len(files)
    for name in ("ast.py", "torch/optim/adamw.py", "numpy/fft/__init__.py"):
        assert any(path.as_posix().endswith(name) for path in files)


def test_write_documentation_corpus_takes_each_document_once(tmp_path, monkeypatch):
    for number in range(60):
        (tmp_path / f"m{number:02}.py").write_text(f'"""{LONG} {number % 30}"""\n')
    (tmp_path / "m60.py").write_text(f'"""{LONG} {corpus.END_OF_TEXT}"""\n')
    monkeypatch.setattr(corpus, "source_files", lambda: sorted(tmp_path.glob("*.py")))
    monkeypatch.setattr(corpus, "reference_topics", lambda: ["a topic", "a topic"])
    train, validation = tmp_path / "train.txt", tmp_path / "validation.txt"
    corpus.write_documentation_corpus(train, validation)
    parts = [path.read_text().split(f"\n{corpus.END_OF_TEXT}\n") for path in (train, validation)]
    assert [part.pop() for part in parts] == ["", ""]
    assert sorted(parts[0] + parts[1]) == sorted(["a topic", *(f"{LONG} {number}" for number in range(30))])
    assert all(corpus.is_for_validation(text) for text in parts[1])


def test_reference_topics_are_texts():
    topics = corpus.reference_topics()
    assert len(topics) > 50
    assert any("Boolean operations" in topic for topic in topics)
