import re

import pytest
from playwright.sync_api import Locator, expect

from callstats.clock import SystemClock
from tests.dashboard import measured
from tests.dashboard.serving import Served

from .conftest import Open, Tab

COLOURED = """(canvas, [from, to]) => {
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const [left, wide, high] = [width * from, width * (to - from), height * 0.8].map(Math.round);
    const pixels = copy.getImageData(left, 0, wide, high).data;
    let coloured = 0;
    for (let at = 0; at < pixels.length; at += 4) {
        const [red, green, blue, alpha] = pixels.slice(at, at + 4);
        const spread = Math.max(red, green, blue) - Math.min(red, green, blue);
        if (alpha > 128 && spread > 60) coloured += 1;
    }
    return coloured;
}"""
"""Counts pixels with a colour (grid and labels are grey) in a part of a chart's width."""


@pytest.fixture
def path(served: Served, app_id: int) -> str:
    """The page of a measured call: bob impaired, carol silent from 0:11 to 0:19."""
    call_id = f"charts{app_id}"
    served.keep(measured.rows(app_id, call_id, "mesh", SystemClock().now() - 120))
    return f"/calls/{call_id}"


def open_connection(tab: Tab, path: str, user: str) -> Locator:
    """Open the first connection of a participant and look at its charts."""
    page = tab.go(path)
    article = page.locator("article", has=page.get_by_role("heading", name=user))
    connection = article.locator(".connection").first
    if connection.get_attribute("open") is None:
        connection.locator("summary").first.click()
    connection.locator(".charts").first.scroll_into_view_if_needed()
    expect(connection.locator(".charts").first.locator("canvas")).to_have_count(7)
    return connection.locator(".charts").first


def test_every_figure_has_a_chart_that_says_what_it_shows(open_tab: Open, path: str) -> None:
    charts = open_connection(open_tab(), path, "bob")

    labels = [plot.get_attribute("aria-label") or "" for plot in charts.locator(".plot").all()]

    assert [label.split(" over time")[0] for label in labels] == [
        "Bitrate kbit/s",
        "Loss %",
        "Round-trip time ms",
        "Jitter ms",
        "Video frames/s",
        "Video score 1 to 5",
        "Audio MOS, 1 to 4.5",
    ]
    assert re.search(r"video from alice \d+: mean 5\.\d, from \d\.\d to \d\.\d", labels[1])


def test_where_nothing_is_known_the_line_has_a_gap(open_tab: Open, path: str) -> None:
    charts = open_connection(open_tab(), path, "carol")
    canvas = charts.locator("[data-metric=fps] canvas")

    # The plot begins right of the labels; 30 s lie between there and the right edge.
    before, within, after = (
        canvas.evaluate(COLOURED, part) for part in ([0.2, 0.35], [0.5, 0.6], [0.8, 0.95])
    )

    assert before > 20
    assert within == 0
    assert after > 20


def test_a_line_without_a_gap_has_none(open_tab: Open, path: str) -> None:
    charts = open_connection(open_tab(), path, "alice")

    assert charts.locator("[data-metric=fps] canvas").evaluate(COLOURED, [0.5, 0.6]) > 20


def test_charts_are_fetched_when_they_come_into_view(open_tab: Open, path: str) -> None:
    tab = open_tab()
    page = tab.go(path)
    page.wait_for_load_state("networkidle")
    early = [request for request in tab.requests if "series.json" in request]

    page.locator("#participant-1 .charts").first.scroll_into_view_if_needed()
    expect(page.locator("#participant-1 .charts").first.locator("canvas")).to_have_count(7)
    late = [request for request in tab.requests if "series.json" in request]

    assert early == []
    assert 1 <= len(late) <= 2


def test_a_cursor_in_one_chart_reads_out_all(open_tab: Open, path: str) -> None:
    charts = open_connection(open_tab(), path, "bob")

    charts.locator("[data-metric=loss] .u-over").hover()

    expect(charts.locator("[data-metric=loss] output span")).to_have_count(4)
    expect(charts.locator("[data-metric=fps] output span").first).to_contain_text("16.0")


def test_zooming_into_one_chart_zooms_all_and_a_double_click_shows_the_call_again(
    open_tab: Open, path: str
) -> None:
    tab = open_tab()
    charts = open_connection(tab, path, "carol")
    over = charts.locator("[data-metric=loss] .u-over")
    canvas = charts.locator("[data-metric=fps] canvas")
    box = over.bounding_box()
    assert box
    whole = canvas.evaluate(COLOURED, [0.5, 0.6])

    tab.page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 40)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 40, steps=4)
    tab.page.mouse.up()
    tab.page.wait_for_function("() => new Promise(requestAnimationFrame)")
    zoomed = canvas.evaluate(COLOURED, [0.5, 0.6])
    over.dblclick()
    tab.page.wait_for_function("() => new Promise(requestAnimationFrame)")
    again = canvas.evaluate(COLOURED, [0.5, 0.6])

    assert whole == 0
    assert zoomed > 20
    assert again == 0


def test_a_line_can_be_hidden(open_tab: Open, path: str) -> None:
    charts = open_connection(open_tab(), path, "alice")
    canvas = charts.locator("[data-metric=fps] canvas")
    before = canvas.evaluate(COLOURED, [0.3, 0.9])

    for button in charts.locator(".legend button", has_text="video").all():
        button.click()
    charts.page.wait_for_function("() => new Promise(requestAnimationFrame)")

    assert before > 20
    assert canvas.evaluate(COLOURED, [0.3, 0.9]) == 0


def test_a_stream_has_charts_of_its_own_beside_the_formula(open_tab: Open, path: str) -> None:
    charts = open_connection(open_tab(), path, "bob")
    own = charts.locator("xpath=following-sibling::*").locator("details").first

    own.locator("summary").click()
    own.locator(".charts").scroll_into_view_if_needed()

    expect(own.locator(".formula")).to_contain_text("E-model")
    expect(own.locator("canvas")).to_have_count(5)
    expect(own.locator(".legend button")).to_have_count(1)


def test_charts_are_redrawn_when_the_colours_change(open_tab: Open, path: str) -> None:
    tab = open_tab(color_scheme="light")
    charts = open_connection(tab, path, "bob")

    tab.page.emulate_media(color_scheme="dark")

    expect(charts.locator("canvas")).to_have_count(7)


def test_a_series_that_cannot_be_had_is_said_where_the_chart_would_be(
    open_tab: Open, path: str
) -> None:
    tab = open_tab()
    tab.page.route("**/series.json*", lambda route: route.fulfill(status=503))
    page = tab.go(path)
    page.locator("#participant-1 .charts").first.scroll_into_view_if_needed()

    expect(page.locator("#participant-1 .plot").first).to_contain_text("not loaded")
    assert all("503" in complaint for complaint in tab.complaints)
    tab.complaints.clear()
