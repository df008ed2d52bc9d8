// Which clock does a moment read? UTC as the server wrote it, or the viewer's own on request.

const KEY = "callstats.clock";
const FORMS = {
  plain: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  fine: { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 },
  day: { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" },
};
const LOCALE = "sv-SE"; // writes dates as ISO 8601 does

let isLocal = remembered() === "local";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden; then every page starts in UTC
  }
}

function remember(choice) {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // see above
  }
}

function write(time, zone) {
  const form = { ...FORMS[time.dataset.form ?? "plain"], timeZone: zone, hour12: false };
  return new Date(time.dateTime).toLocaleString(LOCALE, form).replace(",", ".");
}

export function apply(root = document) {
  for (const time of root.querySelectorAll("time[data-form]")) {
    time.title = `${write(time, undefined)} local time\n${write(time, "UTC")} UTC`;
    time.textContent = write(time, isLocal ? undefined : "UTC");
  }
  for (const zone of root.querySelectorAll(".zone")) zone.textContent = isLocal ? "local" : "UTC";
}

function addSwitch() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  const label = () => {
    button.textContent = isLocal ? "Show UTC" : "Show local time";
  };
  button.addEventListener("click", () => {
    isLocal = !isLocal;
    remember(isLocal ? "local" : "utc");
    label();
    apply();
  });
  label();
  document.getElementById("tools")?.append(button);
}

addSwitch();
apply();
document.addEventListener("callstats:replaced", (event) => apply(event.target));
