from datetime import timedelta

from callstats import calls
from callstats.calls import Call

from . import examples
from .serving import Served, Visitor


def keep(served: Served, call: Call) -> None:
    served.keep(calls.conclusions(call, version=1))


def test_without_calls_the_list_says_what_to_do_first(reader: Visitor) -> None:
    page = reader.get("/").text

    assert "callstats app create" in page
    assert "import callstats" in page
    assert f'callstats.Client("{reader.url}"' in page


def test_the_list_tells_of_each_call_when_where_how_long_and_how_it_went(
    served: Served, reader: Visitor, app_id: int
) -> None:
    keep(served, examples.of_app(examples.impaired(f"list{app_id}"), app_id))

    page = reader.get("/").text

    assert f'href="/calls/list{app_id}"' in page
    assert "weekly review" in page
    assert "2026-11-22 12:03:04" in page
    assert "31 s" in page
    assert "bob loses 5 % of everything" in page
    assert "bad" in page


def test_a_live_call_has_a_badge(served: Served, reader: Visitor, app_id: int) -> None:
    keep(served, examples.of_app(examples.empty(f"live{app_id}"), app_id))

    assert '<span class="badge is-live">live</span>' in reader.get("/").text


def test_a_reader_of_one_app_does_not_see_the_calls_of_another(
    served: Served, reader: Visitor, app_id: int
) -> None:
    keep(served, examples.of_app(examples.healthy(f"other{app_id}"), app_id + 50_000_000))

    assert f"other{app_id}" not in reader.get("/").text
    assert reader.get(f"/calls/other{app_id}").status == 404


def test_the_list_can_be_narrowed_to_a_conference_and_to_a_verdict(
    served: Served, reader: Visitor, app_id: int
) -> None:
    keep(served, examples.of_app(examples.healthy(f"a{app_id}"), app_id))
    keep(served, examples.of_app(examples.impaired(f"b{app_id}"), app_id))

    by_name = reader.get("/?conference=STAND").text
    by_verdict = reader.get("/?verdict=impaired").text
    none = reader.get("/?conference=nowhere").text

    assert f"/calls/a{app_id}" in by_name
    assert f"/calls/b{app_id}" not in by_name
    assert f"/calls/b{app_id}" in by_verdict
    assert f"/calls/a{app_id}" not in by_verdict
    assert "No call is like that" in none


def test_older_calls_are_a_page_away(served: Served, reader: Visitor, app_id: int) -> None:
    for number in range(60):
        started = examples.START - timedelta(minutes=number)
        one = examples.of_app(
            examples.empty(f"p{number:02}{app_id}"), app_id, started_at=started, ended_at=started
        )
        keep(served, one)

    first = reader.get("/").text
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = reader.get(older).text

    assert first.count('<td class="conference">') == 50
    assert second.count('<td class="conference">') == 10
    assert "Newest calls" in second


def test_an_address_that_cannot_be_understood_is_told_in_words(reader: Visitor) -> None:
    unknown, moment = reader.get("/?verdict=lovely"), reader.get("/?before=yesterday")

    assert (unknown.status, moment.status) == (400, 400)
    assert "found lovely" in unknown.text
    assert "found yesterday" in moment.text


def test_the_list_shows_hostile_names_as_text(served: Served, reader: Visitor, app_id: int) -> None:
    keep(served, examples.of_app(examples.nasty(f"nasty{app_id}"), app_id))

    page = reader.get("/?conference=%3Cscript%3E").text

    assert "&lt;script&gt;alert" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
