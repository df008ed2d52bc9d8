"""A real Chromium that looks at the dashboard over the real engine, and hears its complaints."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from callstats.clock import SystemClock
from callstats.store import Store
from tests.dashboard.serving import Served, serve

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

Open = Callable[..., "Tab"]


class Tab:
    """A page of the browser that is signed in, and everything it complained about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self._note_failure)
        page.on("request", lambda request: self.requests.append(request.url))

    def _note_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left meanwhile
            self.complaints.append(f"{request.url}: {request.failure}")

    def go(self, path: str) -> Page:
        """Open a path of the dashboard."""
        self.page.goto(self.url + path)
        return self.page


@pytest.fixture(scope="package")
def served(store: Store) -> Iterator[Served]:
    """The dashboard on a real socket."""
    with serve(store, SystemClock()) as running:
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium, without a window."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("no Chromium on this machine: install the package `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_tab(chromium: Browser, served: Served) -> Iterator[Open]:
    """Open a tab with a window, colours, time zone or scripting of its own; no complaint passes."""
    contexts: list[BrowserContext] = []
    tabs: list[Tab] = []

    def opened(*, width: int = 1280, is_signed_in: bool = True, **options: Any) -> Tab:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        tab = Tab(context.new_page(), served.url)
        tabs.append(tab)
        if is_signed_in:
            tab.page.goto(served.link())
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert [complaint for tab in tabs for complaint in tab.complaints] == []
    assert all(request.startswith(served.url) for tab in tabs for request in tab.requests)
