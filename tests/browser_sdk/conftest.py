"""A real Chromium, pages that make real calls, and a server that remembers what they said."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser_sdk.recording_server import RecordingServer

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
EXECUTABLES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
HERE = Path(__file__).parent

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a module (a longer life would keep its event loop running)."""
    executable = next((path for path in EXECUTABLES if Path(path).exists()), None)
    if executable is None:
        pytest.skip("there is no Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    pages = {f"/{path.name}": path.read_text() for path in (HERE / "pages").glob("*.html")}
    running = RecordingServer(pages)
    yield running
    running.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own."""
    opened = chromium.new_context()
    yield opened
    opened.close()


@pytest.fixture
def troubles() -> Iterator[list[str]]:
    """What went wrong in pages: errors that reached them, errors that the library swallowed.

    A test fails that leaves any here.
    """
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def open_page(context: BrowserContext, server: RecordingServer, troubles: list[str]) -> OpenPage:
    """Open a page, by default the one that makes calls."""

    def note(message: ConsoleMessage) -> None:
        if "callstats.js:" in message.text:
            troubles.append(message.text)

    def open_(name: str = "call.html") -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"page error: {error}"))
        page.on("console", note)
        page.goto(f"{server.page_url}/{name}?server={server.url}")
        return page

    return open_


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()
