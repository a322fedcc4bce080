"""A headless Chromium, where there is one: whichever is installed, driven through playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "needs a Chromium and there is none; on Debian: apt-get install chromium"


def find_chromium() -> str | None:
    """Return the path of the first of these programs that is here."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Start the browser without a window; a machine that has none is a `FileNotFoundError`."""
    path = find_chromium()
    if path is None:
        raise FileNotFoundError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()
