// What changed since the page was made? Asks for the same page again and swaps the parts marked
// data-live, so that there is one way to draw them: the server's.

const seconds = Number(document.body.dataset.refresh);

function openDetails(part) {
  return [...part.querySelectorAll("details[id]")].map((details) => [details.id, details.open]);
}

function focusable(part) {
  return [...part.querySelectorAll("a, button, summary, [tabindex]")];
}

// Somebody is copying from here: not now.
function isSelected(part) {
  const selection = getSelection();
  return !selection.isCollapsed && part.contains(selection.anchorNode);
}

function swap(old, fresh) {
  if (old.innerHTML === fresh.innerHTML || isSelected(old)) return;
  const focused = focusable(old).indexOf(document.activeElement);
  const states = openDetails(old);
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  old.replaceChildren(...fresh.childNodes);
  old.className = fresh.className;
  for (const [id, open] of states) {
    const details = document.getElementById(id);
    if (details) details.open = open;
  }
  [...old.querySelectorAll(".scroll")].forEach((box, index) => {
    box.scrollLeft = scrolled[index] ?? 0;
  });
  if (focused >= 0) focusable(old)[focused]?.focus({ preventScroll: true });
  old.dispatchEvent(new CustomEvent("callstats:replaced", { bubbles: true }));
}

function parts(root) {
  return new Map([...root.querySelectorAll("[data-live]")].map((part) => [part.id, part]));
}

function isSame(left, right) {
  return left.size === right.size && [...left.keys()].every((id) => right.has(id));
}

async function refresh() {
  const answer = await fetch(location.href, { redirect: "manual" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const before = parts(document);
  const after = parts(fresh);
  // Somebody came, or the call has ended: the page itself has another shape now.
  if (!isSame(before, after) || fresh.body.dataset.refresh !== document.body.dataset.refresh) {
    location.reload();
    return;
  }
  for (const [id, part] of before) swap(part, after.get(id));
  document.dispatchEvent(new CustomEvent("callstats:refreshed"));
}

async function keepUp() {
  for (;;) {
    await new Promise((wake) => setTimeout(wake, seconds * 1000));
    if (document.hidden) continue;
    try {
      await refresh();
    } catch {
      // the server is away: the page keeps what it knows and asks again
    }
  }
}

if (seconds > 0) keepUp();
