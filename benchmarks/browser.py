"""What does callstats.js cost the main thread of a page? Run: ``python benchmarks/browser.py``.

Two pages hold ten connections with sound and pictures between them; one of them is watched, with
one report in five seconds each. Measured in turns, without and with the library: how long the
watched page's main thread was busy (Chromium's own TaskDuration), and how much of the time a
sampling profiler saw the library on the stack. Printed as shares of the time that passed.
"""

import argparse
import gzip
import json
import statistics
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, Route, sync_playwright

from callstats import browser

CONNECTIONS = 10
LIMIT = 0.01
EXECUTABLES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream"]
ORIGIN = "https://stats.example.org"
ANSWERS: dict[str, Any] = {
    "/v1/token": {"token": "t", "expiresIn": 3600},
    "/v1/batch": {"stored": 10**9, "refused": [], "calls": {}, "error": None},
}

PREPARE = """async (count) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
    const draw = () => canvas.getContext("2d").fillRect(Math.random() * 160, 0, 9, 9);
    setInterval(draw, 200);
    const sound = new AudioContext().createMediaStreamDestination();
    const tracks = [...canvas.captureStream(5).getTracks(), ...sound.stream.getTracks()];
    window.pcs = Array.from({ length: count }, () => {
        const pc = new RTCPeerConnection();
        for (const track of tracks) pc.addTrack(track, sound.stream);
        return pc;
    });
    window.describe = (pc) => new Promise(async (resolve) => {
        pc.onicegatheringstatechange = () => {
            if (pc.iceGatheringState === "complete") resolve(pc.localDescription.toJSON());
        };
        await pc.setLocalDescription();
    });
    window.connected = async () => {
        while (pcs.some((pc) => pc.iceConnectionState === "checking")) {
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return pcs.map((pc) => pc.iceConnectionState);
    };
}"""
OFFER = "() => Promise.all(pcs.map(describe))"
ANSWER = """(offers) => Promise.all(pcs.map(async (pc, index) => {
    await pc.setRemoteDescription(offers[index]);
    return describe(pc);
}))"""
ACCEPT = """(answers) =>
    Promise.all(pcs.map((pc, index) => pc.setRemoteDescription(answers[index])))"""
WATCH = """() => {
    window.cs ??= new callstats();
    cs.initialize(1, "secret", "alice");
    for (const pc of pcs) cs.addNewFabric(pc, "bob", "multiplex", "benchmark");
}"""
UNWATCH = """() => {
    for (const pc of pcs) cs.sendFabricEvent(pc, "fabricTerminated", "benchmark");
}"""


def serve(route: Route) -> None:
    """Answer as the collector would."""
    path = route.request.url.removeprefix(ORIGIN)
    if path in browser.PATHS:
        script = browser.script(browser.PATHS[path])
        route.fulfill(body=script, content_type=browser.MEDIA_TYPE)
    elif path in ANSWERS:
        route.fulfill(body=json.dumps(ANSWERS[path]), content_type="application/json")
    else:
        route.fulfill(body="<!doctype html>", content_type="text/html")


def open_page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.route("**/*", serve)
    page.goto(f"{ORIGIN}/page")
    page.evaluate(PREPARE, CONNECTIONS)
    return page


def connect(near: Page, far: Page) -> None:
    near.evaluate(ACCEPT, far.evaluate(ANSWER, near.evaluate(OFFER)))
    states = near.evaluate("connected()")
    assert set(states) <= {"connected", "completed"}, states


def measure(page: Page, devtools: CDPSession, seconds: float) -> tuple[float, float]:
    """Return the shares of time for which the main thread, and the library on it, was busy."""
    before = metrics(devtools)
    devtools.send("Profiler.start")
    page.wait_for_timeout(seconds * 1000)
    profile = devtools.send("Profiler.stop")["profile"]
    after = metrics(devtools)
    passed = after["Timestamp"] - before["Timestamp"]
    return (after["TaskDuration"] - before["TaskDuration"]) / passed, share_of_library(profile)


def metrics(devtools: CDPSession) -> dict[str, float]:
    found = devtools.send("Performance.getMetrics")["metrics"]
    return {metric["name"]: metric["value"] for metric in found}


def share_of_library(profile: dict[str, Any]) -> float:
    """Return in which share of the samples the library stood somewhere on the stack."""
    nodes = {node["id"]: node for node in profile["nodes"]}
    ours: set[int] = set()

    def visit(identity: int, *, is_ours: bool) -> None:
        node = nodes[identity]
        is_ours = is_ours or "/callstats" in node["callFrame"]["url"]
        if is_ours:
            ours.add(identity)
        for child in node.get("children", ()):
            visit(child, is_ours=is_ours)

    visit(profile["nodes"][0]["id"], is_ours=False)
    spent = dict.fromkeys((True, False), 0)
    for identity, delta in zip(profile["samples"], profile["timeDeltas"], strict=True):
        spent[identity in ours] += delta
    return spent[True] / (spent[True] + spent[False])


def run(seconds: float, rounds: int) -> None:
    executable = next((path for path in EXECUTABLES if Path(path).exists()), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        context = chromium.new_context()
        near, far = open_page(context), open_page(context)
        near.add_script_tag(url=f"{ORIGIN}/callstats.js")
        connect(near, far)
        size = near.evaluate(
            "pcs[0].getStats().then(stats => JSON.stringify([...stats.values()]).length)"
        )
        devtools = context.new_cdp_session(near)
        devtools.send("Performance.enable")
        devtools.send("Profiler.enable")
        without, watched, library = [], [], []
        for _ in range(rounds):
            without.append(measure(near, devtools, seconds)[0])
            near.evaluate(WATCH)
            near.wait_for_timeout(2_000)  # the first report is not like the others
            busy, ours = measure(near, devtools, seconds)
            near.evaluate(UNWATCH)
            near.wait_for_timeout(2_000)
            watched.append(busy)
            library.append(ours)
        chromium.close()
    added = statistics.median(watched) - statistics.median(without)
    print(f"{CONNECTIONS} connections, one report of {size} characters in 5 s each")
    print(f"  main thread busy without   {statistics.median(without):7.2%}  {shown(without)}")
    print(f"  main thread busy watched   {statistics.median(watched):7.2%}  {shown(watched)}")
    print(f"  added                      {added:7.2%}  at most {LIMIT:.0%}")
    print(f"  library on the stack       {statistics.median(library):7.2%}  {shown(library)}")
    served = len(gzip.compress(browser.script("callstats.js"), 9))
    print(f"  served size                {served} bytes gzipped, at most 12000")


def shown(shares: list[float]) -> str:
    return " ".join(f"{share:.2%}" for share in shares)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=30, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind")
    chosen = parser.parse_args()
    run(chosen.seconds, chosen.rounds)
