from playwright.sync_api import expect

from callstats.clock import SystemClock
from callstats.store import Rows
from tests.dashboard import measured
from tests.dashboard.serving import Served

from .conftest import Open


def said(app_id: int, call_id: str, name: str, seq: int) -> Rows:
    """Return the rows of one more error of bob's."""
    now = SystemClock().now()
    rows = Rows()
    place = ("mesh", "bob", "bob's laptop", "", "", "error", name, '{"message":"no"}')
    rows.add("events", (app_id, call_id, now, now, now, *place, "a-late-client", seq))
    return rows


def test_a_live_call_keeps_up_and_leaves_open_what_was_opened(
    open_tab: Open, served: Served, app_id: int
) -> None:
    call_id = f"live{app_id}"
    started = SystemClock().now() - measured.SECONDS
    served.keep(measured.rows(app_id, call_id, "mesh", started, is_over=False))
    tab = open_tab()
    tab.page.clock.install()
    page = tab.go(f"/calls/{call_id}")
    expect(page.locator("#head .badge")).to_have_text("live")
    page.locator("#every-line > summary").click()

    served.keep(said(app_id, call_id, "getUserMedia", 1))
    page.clock.run_for(6_000)

    expect(
        page.locator(".story .is-failure", has_text="getUserMedia failed: no").first
    ).to_be_visible()
    expect(page.locator("#every-line")).to_have_attribute("open", "")


def test_the_charts_of_a_live_call_grow(open_tab: Open, served: Served, app_id: int) -> None:
    call_id = f"grow{app_id}"
    started = SystemClock().now() - measured.SECONDS
    served.keep(measured.rows(app_id, call_id, "mesh", started, until=15, is_over=False))
    tab = open_tab()
    tab.page.clock.install()
    page = tab.go(f"/calls/{call_id}")
    charts = page.locator("#participant-1 .charts").first
    charts.scroll_into_view_if_needed()
    expect(charts.locator("canvas")).to_have_count(7)
    canvas = charts.locator("[data-metric=loss] canvas")
    before = canvas.evaluate("canvas => (canvas.mine = true, canvas.toDataURL())")

    served.keep(measured.rows(app_id, call_id, "mesh", started, is_over=False))
    page.clock.run_for(6_000)
    page.wait_for_function(
        "before => document.querySelector('[data-metric=loss] canvas').toDataURL() !== before",
        arg=before,
    )

    assert canvas.evaluate("canvas => canvas.mine")


def test_the_list_shows_a_new_call_by_itself(open_tab: Open, served: Served, app_id: int) -> None:
    tab = open_tab()
    tab.page.clock.install()
    page = tab.go("/")

    started = SystemClock().now() - measured.SECONDS
    served.keep(measured.rows(app_id, f"new{app_id}", "brand new", started, is_over=False))
    page.clock.run_for(11_000)

    expect(page.locator(f'a[href="/calls/new{app_id}"]')).to_be_visible()


def test_a_server_that_is_away_does_not_break_the_page(
    open_tab: Open, served: Served, app_id: int
) -> None:
    tab = open_tab()
    tab.page.clock.install()
    page = tab.go("/?conference=nobody")
    tab.page.route("**/*", lambda route: route.abort())

    page.clock.run_for(25_000)

    expect(page.locator("h1")).to_have_text("Calls")
    assert tab.complaints
    assert all("ERR_FAILED" in complaint for complaint in tab.complaints)
    tab.complaints.clear()
