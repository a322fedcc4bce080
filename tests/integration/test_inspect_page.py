"""The page of `cs336 inspect` in a real browser: what it shows by pointer and keyboard, what never runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page

from cs336_basics.inspection.forward_record import ForwardRecord, record_forward_pass
from cs336_basics.inspection.inspection import inspect_text
from cs336_basics.tokenization.display.visible_text import visible
from tests.browser import MISSING, find_chromium, open_chromium
from tests.integration.inspected_run import MARKUP, MODEL, write_inspected_run

pytestmark = [
    pytest.mark.endurance,
    pytest.mark.skipif(find_chromium() is None, reason=MISSING),
]
TEXT = f"To be, or not to be:\n{MARKUP[0]}that {MARKUP[1]} is <b>é"
WITHIN = 1e-3


@dataclass(frozen=True)
class Inspected:
    """A page, and what the model says itself."""

    path: Path
    ids: list[int]
    shown: dict[int, str]
    """Each entry of the vocabulary as text for the eye."""
    logits: torch.Tensor
    record: ForwardRecord

    @property
    def tokens(self) -> list[str]:
        return [self.shown[id] for id in self.ids]

    def probabilities(self, position: int) -> dict[str, float]:
        """Return the five likeliest tokens behind a position."""
        best = torch.softmax(self.logits[position], dim=-1).topk(5)
        return {
            self.shown[id]: value
            for id, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        }

    def loss(self, position: int) -> float:
        return float(-torch.log_softmax(self.logits[position - 1], dim=-1)[self.ids[position]])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def inspected(tmp_path_factory) -> Inspected:
    run = write_inspected_run(tmp_path_factory.mktemp("inspected") / "run")
    path = inspect_text(run.folder, TEXT, device="cpu")
    ids = run.tokenizer.encode(TEXT)
    return Inspected(
        path=path,
        ids=ids,
        shown={id: visible(token) for id, token in run.tokenizer.vocab.items()},
        logits=run.model(torch.tensor(ids)).detach().double(),
        record=record_forward_pass(run.model, torch.tensor(ids)),
    )


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(browser, inspected, complaints) -> Iterator[Page]:
    """The page, opened; whatever it complains about or asks the network for ends up in `complaints`."""
    with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: complaints.append(f"request: {request.url}"))
        page.goto(inspected.path.as_uri())
        assert complaints.pop(0) == f"request: {inspected.path.as_uri()}"
        yield page
        assert complaints == []


def number(text: str) -> float:
    """Read "12.3%" or "< 0.1%" as a share, and other numbers as they are."""
    found = re.search(r"(<?) ?(\d+\.\d+)(%?)", text)
    assert found, text
    less, digits, percent = found.groups()
    if less:
        return 0.0
    return float(digits) / 100 if percent else float(digits)


def rows(table: Locator) -> dict[str, float]:
    """Return the numbers of a table by the token of their row."""
    return {
        row.locator(".quoted").inner_text(): number(row.locator(".share").inner_text())
        for row in table.locator("tr").all()
    }


def check_predictions(page: Page, inspected: Inspected, position: int) -> None:
    """Compare both tables of a token with the model."""
    for table, before in zip(page.locator("#predictions table").all(), (position - 1, position), strict=True):
        shown, expected = rows(table), inspected.probabilities(before)
        for token, probability in expected.items():
            assert shown[token] == pytest.approx(probability, abs=WITHIN)
        loss = number(table.locator("caption small").inner_text())
        assert loss == pytest.approx(inspected.loss(before + 1), abs=WITHIN)
        assert table.locator(".actual .quoted").inner_text() == inspected.tokens[before + 1]


def test_it_loads_in_silence_and_shows_the_tokens_with_their_ids(page, inspected):
    assert page.locator("#tokens .text").all_inner_texts() == inspected.tokens
    assert page.locator("#tokens .id").all_inner_texts() == [str(id) for id in inspected.ids]
    assert page.locator("#source").inner_text().endswith("step 7")


def test_markup_in_the_text_is_shown_and_never_runs(page):
    assert page.get_by_text(MARKUP[0].replace(" ", "␣"), exact=True).count() >= 1
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    assert page.evaluate("typeof harmed") == "undefined"


def test_hovering_over_a_token_shows_what_was_expected(page, inspected):
    for position in (3, 17, 9):
        page.locator(f"#token-{position}").hover()
        assert (
            page.locator("#predictions h3").inner_text() == f"Token {position}: {inspected.tokens[position]}"
        )
        check_predictions(page, inspected, position)


def test_the_first_and_the_last_token_have_one_side_only(page, inspected):
    page.locator("#token-0").hover()
    assert "nothing comes before it" in page.locator("#predictions table").first.inner_text()
    last = len(inspected.ids) - 1
    page.locator(f"#token-{last}").hover()
    assert "the text ends here" in page.locator("#predictions table").last.inner_text()


def test_the_keyboard_goes_over_the_tokens_and_says_where_it_is(page, inspected):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "tokens"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key, position in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        assert page.locator("#tokens").get_attribute("aria-activedescendant") == f"token-{position}"
    page.keyboard.press("ArrowDown")  # the text has a newline
    page.keyboard.press("ArrowUp")
    assert page.locator("#tokens [aria-selected=true]").get_attribute("id") == "token-1"
    check_predictions(page, inspected, 1)
    page.locator("#announcement", has_text="Token 1. loss").wait_for(state="attached")
    page.keyboard.press("End")
    assert (
        page.locator("#tokens [aria-selected=true]").get_attribute("id") == f"token-{len(inspected.ids) - 1}"
    )


def test_the_keyboard_leads_where_a_pointer_rests_on_other_tokens(page, inspected):
    page.set_viewport_size({"width": 320, "height": 200})
    page.locator("#token-1").hover()
    page.locator("#tokens").focus()
    before = page.evaluate("scrollY")
    page.keyboard.press("End")
    page.wait_for_timeout(300)  # for what a browser tells of a pointer below which the page has moved
    assert page.evaluate("scrollY") > before
    assert (
        page.locator("#tokens [aria-selected=true]").get_attribute("id") == f"token-{len(inspected.ids) - 1}"
    )
    page.keyboard.press("Control+Home")  # a command to the browser
    assert (
        page.locator("#tokens [aria-selected=true]").get_attribute("id") == f"token-{len(inspected.ids) - 1}"
    )


def check_pair(page: Page, inspected: Inspected, layer: int, head: int, query: int, key: int) -> None:
    weights = inspected.record.attention_weights[layer, head, query]
    reading = page.locator("#pair-reading")
    assert reading.locator(".quoted").all_inner_texts() == [inspected.tokens[query], inspected.tokens[key]]
    assert reading.inner_text().startswith(f"Token {query} ")
    assert f"token {key} " in reading.inner_text()
    assert number(reading.locator("strong").inner_text()) == pytest.approx(float(weights[key]), abs=WITHIN)
    most = [number(text) for text in page.locator("#pair .share").all_inner_texts()]
    assert most == pytest.approx(weights[: query + 1].topk(min(5, query + 1)).values.tolist(), abs=WITHIN)


def hover_cell(page: Page, map: Locator, row: int, column: int, num_rows: int, num_columns: int) -> None:
    map.scroll_into_view_if_needed()
    box = map.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] * (column + 0.5) / num_columns
    y = box["y"] + box["height"] * (row + 0.5) / num_rows
    page.mouse.move(x, y)


def test_hovering_over_the_map_reads_out_the_pair(page, inspected):
    seq = len(inspected.ids)
    for layer, head in ((0, 0), (1, 2)):
        page.locator(f"#map-{layer}-{head}").click()
        assert page.locator("#map-name").inner_text() == f"Layer {layer}, head {head}"
        for query, key in ((seq - 1, 4), (12, 12), (5, 0)):
            hover_cell(page, page.locator("#map"), query, key, seq, seq)
            check_pair(page, inspected, layer, head, query, key)
    hover_cell(page, page.locator("#map"), 3, 9, seq, seq)  # the future: the nearest is the token itself
    check_pair(page, inspected, 1, 2, 3, 3)


def test_the_keyboard_chooses_a_map_and_a_pair(page, inspected):
    page.locator("#overview").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.locator("#overview").get_attribute("aria-activedescendant") == "map-1-1"
    assert page.locator("#map-1-1").get_attribute("aria-label") == "layer 1, head 1"
    page.locator("#token-7").hover()
    page.locator("#map").focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    check_pair(page, inspected, 1, 1, 17, 2)
    page.locator("#announcement", has_text="Token 17, ").wait_for(state="attached")


def test_every_map_is_drawn_from_its_weights(page, inspected):
    seq = len(inspected.ids)
    page.locator("#map-1-2").scroll_into_view_if_needed()
    page.locator(".thumbnail:not([data-drawn])").first.wait_for(state="detached")
    ramp = torch.tensor(page.evaluate("ramp()"))
    for layer, heads in enumerate(inspected.record.attention_weights):
        for head, weights in enumerate(heads):
            pixels = page.locator(f"#map-{layer}-{head} canvas").evaluate(
                "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
            )
            colors = torch.tensor(pixels).view(seq, seq, 4)
            shades = (255 * weights.sqrt()).tril()
            earlier = torch.ones(seq, seq, dtype=torch.bool).tril()
            assert torch.equal(colors[..., 3] == 255, earlier)
            distances = (colors - ramp[shades.round().long()]).abs().amax(-1)
            assert distances[earlier].max() <= 2  # rounding to float16 may lead to the next of the colors


def test_the_residual_stream_reads_out_its_norms_by_pointer_and_keyboard(page, inspected):
    norms, seq = inspected.record.stream_norms, len(inspected.ids)

    def check(stage: int, position: int) -> None:
        reading = page.locator("#norm-reading")
        expected = float(norms[stage, position])
        assert number(reading.locator("strong").inner_text()) == pytest.approx(expected, abs=WITHIN)
        assert reading.locator(".quoted").inner_text() == inspected.tokens[position]
        assert ("embedding" if stage == 0 else f"layer {stage - 1}") in reading.inner_text()

    for stage, position in ((0, 3), (1, 11), (2, seq - 1)):
        hover_cell(page, page.locator("#stream"), stage, position, len(norms), seq)
        check(stage, position)
    page.locator("#stream").focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    check(1, seq - 3)
    page.keyboard.press("Home")
    check(1, 0)


def test_light_and_dark_have_their_own_colors_and_the_maps_follow(page):
    def colors() -> tuple[str, str]:
        page.wait_for_timeout(200)  # for the maps to be drawn
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return background, page.locator("#map-0-0 canvas").evaluate("canvas => canvas.toDataURL()")

    page.locator("#overview").scroll_into_view_if_needed()
    page.emulate_media(color_scheme="light")
    light = colors()
    page.emulate_media(color_scheme="dark")
    dark = colors()
    assert light[0] != dark[0]
    assert light[1] != dark[1]


@pytest.mark.parametrize("width", [320, 700])
def test_a_narrow_window_needs_no_scrolling_to_the_side(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_control_has_a_role_and_a_name_and_is_reached_with_tab(page):
    for name, role in (
        ("tokens", "listbox"),
        ("overview", "listbox"),
        ("map", "application"),
        ("stream", "application"),
    ):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == name
        assert page.locator(f"#{name}").get_attribute("role") == role
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    snapshot = page.locator("body").aria_snapshot()
    for line in (
        'listbox "The text, token by token"',
        'listbox "Attention maps by layer and head"',
        "status",
    ):
        assert line in snapshot


def test_a_page_of_one_token_works_too(browser, tmp_path):
    run = write_inspected_run(tmp_path / "run", replace(MODEL, num_layers=1, num_heads=1))
    errors = []
    page = browser.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(inspect_text(run.folder, "", device="cpu").as_uri())
    assert page.locator("#tokens .text").all_inner_texts() == ["<|endoftext|>"]
    assert page.locator("#pair-reading strong").inner_text() == "100.0%"
    assert errors == []
    page.close()
