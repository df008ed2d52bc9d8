import re
from pathlib import Path

from callstats.dashboard.assets import Assets

from .serving import Visitor


def test_every_answer_forbids_what_the_pages_do_not_need(admin: Visitor, stranger: Visitor) -> None:
    style = re.search(r'href="(/assets/[^"]+style\.css)"', admin.get("/").text)
    assert style

    for path in ("/", "/sign-in", "/calls/nowhere", style[1], "/assets/0/none.js"):
        headers = admin.get(path).headers
        policy = headers["Content-Security-Policy"]

        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_files_are_kept_forever_and_pages_never(admin: Visitor) -> None:
    page = admin.get("/")
    addresses = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text)

    assert len(addresses) >= 3
    assert page.headers["Cache-Control"] == "private, no-store"
    for address in addresses:
        assert "immutable" in admin.get(address).headers["Cache-Control"]


def test_a_file_that_we_did_not_name_does_not_exist(stranger: Visitor) -> None:
    for path in ("/assets/0/style.css", "/assets/../app.py", "/assets/0/..%2f..%2fapp.py"):
        assert stranger.get(path).status == 404


def test_the_address_of_a_file_changes_with_its_content(tmp_path: Path) -> None:
    file = tmp_path / "page.css"
    file.write_text("a {}")
    before = Assets(tmp_path).path("page.css")
    file.write_text("b {}")

    assert Assets(tmp_path).path("page.css") != before


def test_files_have_the_type_that_browsers_insist_on() -> None:
    types = {asset.path.rpartition(".")[2]: asset.media_type for asset in Assets().by_path.values()}

    assert types == {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
