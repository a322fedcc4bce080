"""Measurements beside other libraries; run by hand, so nothing here is a test.

    uv run --group bench python -m tests.benchmarks.tokenizer --corpus my.txt

`fresh_process.py` runs one measurement, `comparison.py` repeats and compares them, `table.py` and
`machine.py` write down what came out and where. Each benchmark adds its own command line, the functions
that it measures (`*_subjects.py`) and what is asked of them (`*_tasks.py`).
"""
