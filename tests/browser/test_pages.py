from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from callstats import calls
from tests.dashboard import examples
from tests.dashboard.serving import Served

from .conftest import Open

CALLS = {call.call.conference[:10]: call for call in examples.everything()}


@pytest.fixture
def paths(served: Served, app_id: int) -> dict[str, str]:
    """Where each example is shown, the list among them."""
    found = {"list": "/"}
    for name, call in CALLS.items():
        call_id = f"{call.call.id[:12]}{app_id}"
        served.keep(calls.conclusions(examples.of_app(call, app_id, id=call_id), version=1))
        found[name] = f"/calls/{call_id}"
    return found


def scroll_through(page: Page) -> None:
    """Look at all of a page, as a reader would, so that everything lazy is drawn."""
    page.evaluate(
        """async () => {
            for (let y = 0; y < Math.min(document.body.scrollHeight, 20000); y += 600) {
                window.scrollTo(0, y);
                await new Promise(requestAnimationFrame);
            }
            window.scrollTo(0, 0);
        }"""
    )
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_pages_fit_their_window_and_nothing_complains(
    open_tab: Open,
    paths: dict[str, str],
    width: int,
    scheme: Literal["light", "dark"],
    tmp_path: Path,
) -> None:
    tab = open_tab(width=width, color_scheme=scheme)

    for name, path in paths.items():
        page = tab.go(path)
        scroll_through(page)
        page.screenshot(path=tmp_path / f"{name.strip('<>')}.png")

        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_nothing_that_a_client_said_runs(open_tab: Open, paths: dict[str, str]) -> None:
    tab = open_tab()
    dialogs: list[str] = []
    tab.page.on("dialog", lambda dialog: dialogs.append(dialog.message))

    page = tab.go(next(path for name, path in paths.items() if name.startswith("<script>")))
    scroll_through(page)

    expect(page.locator("h1")).to_contain_text('<script>alert("owned")</script>')
    assert page.locator("main script, main img").count() == 0
    assert dialogs == []


def test_the_table_names_the_impaired_participant_above_the_fold(
    open_tab: Open, paths: dict[str, str]
) -> None:
    page = open_tab().go(paths["weekly rev"])

    row = page.locator(".participants tbody").first
    box = row.bounding_box()

    expect(row).to_contain_text("bob")
    expect(row).to_contain_text("bad")
    expect(row).to_contain_text("5.1 % of the packets towards bob are lost")
    assert box
    assert box["y"] + box["height"] < 900


def test_without_script_the_page_tells_everything_but_the_charts(
    open_tab: Open, paths: dict[str, str]
) -> None:
    page = open_tab(java_script_enabled=False).go(paths["weekly rev"])

    expect(page.locator(".participants tbody")).to_have_count(3)
    expect(page.locator(".streams").first).to_be_visible()
    expect(page.locator(".lanes .trouble-bar")).to_have_count(3)
    expect(page.get_by_text("Charts need JavaScript").first).to_be_visible()
    page.locator("#participant-2 .connection > summary").first.click()
    expect(page.locator("#participant-2 .streams").first).to_be_visible()


def test_times_are_utc_until_the_viewer_asks_for_the_own_clock(
    open_tab: Open, paths: dict[str, str]
) -> None:
    tab = open_tab(timezone_id="Asia/Tokyo")
    page = tab.go(paths["weekly rev"])
    started = page.locator("#head time").first

    expect(started).to_have_text("2026-11-22 12:03:04")
    page.get_by_role("button", name="Show local time").click()
    expect(started).to_have_text("2026-11-22 21:03:04")
    expect(page.locator("#head .zone").first).to_have_text("local")
    tab.go(paths["weekly rev"])
    expect(started).to_have_text("2026-11-22 21:03:04")


def test_everything_can_be_reached_with_the_keyboard(open_tab: Open, paths: dict[str, str]) -> None:
    page = open_tab().go(paths["weekly rev"])

    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.locator("#participant-2 .connection > summary").first.focus()
    page.keyboard.press("Enter")

    expect(page.locator("#participant-2 .connection").first).to_have_attribute("open", "")


def test_a_stranger_signs_in_by_the_form_and_gets_to_the_page_asked_for(
    open_tab: Open, served: Served, paths: dict[str, str]
) -> None:
    tab = open_tab(is_signed_in=False)
    page = tab.go(paths["weekly rev"])

    page.get_by_label("Token").fill(served.sessions.invite())
    page.get_by_role("button", name="Sign in").click()

    expect(page.locator("h1")).to_have_text("weekly review")
    assert "token" not in page.url
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
