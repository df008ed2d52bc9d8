import re
from html.parser import HTMLParser

from msgspec.structs import replace

from callstats import calls
from callstats.calls import Call
from callstats.clock import SystemClock

from . import examples, measured
from .serving import Served, Visitor


def keep(served: Served, call: Call, app_id: int) -> str:
    """Store an example as concluded in the test's app; return the address of its page."""
    call_id = f"{call.call.id[:12]}{app_id}"
    served.keep(calls.conclusions(examples.of_app(call, app_id, id=call_id), version=1))
    return f"/calls/{call_id}"


ADDRESSES = {"src", "href", "action", "data-series"}


class Tags(HTMLParser):
    """The elements of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_of_an_impaired_call_names_whom_and_what_first(
    served: Served, reader: Visitor, app_id: int
) -> None:
    page = reader.get(keep(served, examples.impaired(), app_id)).text
    names = re.findall(r'<th scope="row"><a href="[^"]*"><bdi class="person">(\w+)', page)

    assert "bob loses 5 % of everything sent to them" in page
    assert names == ["bob", "alice", "carol"]
    assert "bob lost 5.1 % of the packets from alice" in page


def test_figures_are_in_the_units_people_read(served: Served, reader: Visitor, app_id: int) -> None:
    page = reader.get(keep(served, examples.impaired(), app_id)).text
    row = page.split('<table class="participants">')[1].split("</tbody>")[0]

    assert "2\u202f540" in row
    assert "5.1<span" in row
    assert "(poor)" in row
    assert ">131<" in row
    assert "17.4" in row
    assert "2.61" in row


def test_what_is_not_known_is_a_dash_and_no_zero(
    served: Served, reader: Visitor, app_id: int
) -> None:
    page = reader.get(keep(served, examples.healthy(), app_id)).text
    audio = page.split("data-stream=")[1].split("</tr>")[0]

    assert audio.count('<span aria-label="not known">–</span>') == 2


def test_a_score_explains_itself(served: Served, reader: Visitor, app_id: int) -> None:
    page = reader.get(keep(served, examples.impaired(), app_id)).text

    assert "E-model (ITU-T G.107.2)" in page
    assert re.search(r"<dt><bdi>loss</bdi></dt><dd><bdi>5\.1 %</bdi></dd>", page)
    assert re.search(r"<dt><bdi>bpl</bdi></dt><dd><bdi>not known</bdi></dd>", page)


def test_the_page_tells_which_leg_is_bad(served: Served, reader: Visitor, app_id: int) -> None:
    page = reader.get(keep(served, examples.impaired(), app_id)).text
    matrix = page.split('<table class="matrix">')[1].split("</table>")[0]
    rows = [re.findall(r'class="(leg is-\w+|none)"', row) for row in matrix.split("<tr>")[2:]]

    assert rows == [
        ["leg is-poor", "none", "leg is-poor"],
        ["none", "leg is-good", "leg is-good"],
        ["leg is-good", "leg is-good", "none"],
    ]


def test_a_call_of_which_nothing_is_known_says_so(
    served: Served, reader: Visitor, app_id: int
) -> None:
    page = reader.get(keep(served, examples.empty(), app_id)).text

    assert "Nobody has reported anything" in page
    assert 'data-refresh="5"' in page


def test_a_crowd_is_shown_whole_in_the_table_and_one_at_a_time_in_detail(
    served: Served, reader: Visitor, app_id: int
) -> None:
    path = keep(served, examples.huge(), app_id)

    page = reader.get(path).text
    other = reader.get(f"{path}?user=user+7&device=d1").text

    assert page.count('<th scope="row"><a href=') == 50
    assert page.count('<article class="participant') == 1
    assert 'id="participant-1-name"' in page
    assert "user=user+7&amp;device=d1#participant-1" in page
    assert other.count('<article class="participant') == 1
    assert len(page) < 1_000_000


def test_what_clients_say_is_text_and_never_markup(
    served: Served, reader: Visitor, app_id: int
) -> None:
    page = reader.get(keep(served, examples.nasty(), app_id)).text
    tags = Tags(page).found
    addresses = [found[name] or "" for _, found in tags for name in found if name in ADDRESSES]

    assert all(address.startswith(("/", "#", "?")) for address in addresses)
    assert not any(name.startswith("on") for _, found in tags for name in found)
    assert "{{ 7 * 7 }}{% raw %}" in page
    assert "&lt;script&gt;alert(&#34;owned&#34;)&lt;/script&gt;" in page
    assert "👩‍👩‍👧‍👦 Zoë Ñandú 🎉" in page


def test_no_page_has_inline_script_or_style(served: Served, reader: Visitor, app_id: int) -> None:
    for call in examples.everything():
        tags = Tags(reader.get(keep(served, call, app_id)).text).found

        assert not any("style" in attributes for _, attributes in tags)
        assert not any(tag == "style" for tag, _ in tags)
        assert all("src" in attributes for tag, attributes in tags if tag == "script")


def test_an_id_appears_once_on_a_page(served: Served, reader: Visitor, app_id: int) -> None:
    for call in examples.everything():
        tags = Tags(reader.get(keep(served, call, app_id)).text).found
        ids = [attributes["id"] for _, attributes in tags if "id" in attributes]

        assert len(ids) == len(set(ids))


def test_of_very_many_issues_the_severe_ones_come_first_and_the_rest_is_folded_up(
    served: Served, reader: Visitor, app_id: int
) -> None:
    mild = [
        examples.issue("bob", "alice", severity="warning", sentence=f"mild {number}")
        for number in range(60)
    ]
    call = replace(examples.impaired(), issues=[*mild, examples.issue("bob", sentence="grave")])

    page = reader.get(keep(served, call, app_id)).text
    listed, folded = page.split('<details id="more-issues">')

    assert listed.index("grave") < listed.index("mild 0")
    assert "21 more" in folded
    assert "mild 59" in folded


def test_an_unknown_call_is_told_in_words(reader: Visitor) -> None:
    answer = reader.get("/calls/<script>nowhere")

    assert answer.status == 404
    assert "No such call" in answer.text
    assert "<script>nowhere" not in answer.text


def test_a_measured_call_is_judged_told_and_drawn(
    served: Served, reader: Visitor, app_id: int
) -> None:
    call_id, started = f"measured{app_id}", SystemClock().now() - 120
    served.keep(measured.rows(app_id, call_id, "mesh", started))

    page = reader.get(f"/calls/{call_id}").text
    worst = page.split('<table class="participants">')[1].split("</tbody>")[0]

    assert "bob" in worst
    assert "5.0" in worst
    assert "Data is missing here" in page
    assert "12 records" in page
    assert "setRemoteDescription failed: wrong state: stable" in page
    assert "feedback: overall 2 of 5, “choppy &lt;b&gt;sound&lt;/b&gt;”" in page
    assert "camera is slow" not in page
