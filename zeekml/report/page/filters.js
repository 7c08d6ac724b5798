// What is shown is said by the address after "#", so that a link or a bookmark carries it: q, class, note, host, peer,
// port, from, to (epoch seconds), all, hosts and notices (the column they are sorted by, "-" before it: downwards).
const KEYS = ["q", "class", "note", "host", "peer", "port", "from", "to", "all", "hosts", "notices"];
const ORDERS = new Set(["hosts", "notices"]);
let filter = {};

function readFilter(fragment) {
  const said = new URLSearchParams(fragment.slice(1));
  filter = {};
  for (const key of KEYS) if (said.get(key)) filter[key] = said.get(key);
  for (const key of ["from", "to"]) if (key in filter && !Number.isFinite(Number(filter[key]))) delete filter[key];
}

function link(parts) {
  const said = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...filter, ...parts })) {
    if (value !== null && value !== undefined && value !== "") said.set(key, value);
  }
  return "#" + said.toString();
}

// An empty "#" would jump to the top of the page: what has no filter says so.
const addressOf = (parts) => (link(parts) === "#" ? "#none" : link(parts));
const anchor = (words, parts, attributes) => el("a", { href: addressOf(parts), ...attributes }, words);

function change(parts) {
  const address = addressOf(parts);
  try {
    history.replaceState(null, "", address);
  } catch {
    // Some browsers take only so many in a while: then the address lags behind, and nothing else.
  }
  readFilter(address);
  draw();
}

const words = () => (filter.q || "").toLowerCase().split(/\s+/).filter(Boolean);
const holds = (hay, wanted) => wanted.every((word) => hay.includes(word));
const hays = new WeakMap();

function hay(row) {
  if (!hays.has(row)) {
    const parts = [row.host, row.class, row.note, row.uid, row.why, row.sensor, row.more, row.peer, row.evidence_peers,
      row.evidence_ports];
    if (row.peer !== undefined) parts.push(address(row));
    if (row.classes) parts.push(...row.classes.map((each) => each.name));
    hays.set(row, parts.filter(Boolean).join(" ").toLowerCase());
  }
  return hays.get(row);
}

const inTime = (first, last) =>
  (!filter.from || last >= Number(filter.from)) && (!filter.to || first <= Number(filter.to));
const toPeer = (row) =>
  (!filter.peer || row.peer === filter.peer) && (!filter.port || port(row) === filter.port);

function noticePasses(row, wanted) {
  return (!filter.host || row.host === filter.host) && noticePassesForAnyHost(row, wanted);
}

function noticePassesForAnyHost(row, wanted) {
  return (
    (!filter.class || row.class === filter.class) && (!filter.note || row.note === filter.note) && toPeer(row) &&
    inTime(row.ts, row.ts) && holds(hay(row), wanted)
  );
}

function pairPasses(row, wanted) {
  return (
    (!filter.class || row.class === filter.class) && toPeer(row) && inTime(row.first, row.last) &&
    holds(hay(row), wanted)
  );
}

// A host passes by itself, or by one of its notices or peers. The host that is chosen is marked, not filtered.
function hostPasses(host, wanted) {
  if (!filter.all && !host.notices && held.totals.named) return false;
  const said = noticesOf.get(host.host) || [];
  const known = pairsOf.get(host.host) || [];
  if (filter.note || filter.peer || filter.port) {
    if (said.some((row) => noticePassesForAnyHost(row, wanted))) return true;
    return !filter.note && known.some((row) => pairPasses(row, wanted));
  }
  if (filter.class && !host.classes.some((each) => each.name === filter.class)) return false;
  if (!inTime(host.first, host.last)) return false;
  return holds(hay(host), wanted) || said.some((row) => noticePassesForAnyHost(row, wanted)) ||
    known.some((row) => pairPasses(row, wanted));
}

function drawFilters() {
  const typed = place("q");
  if (typed.value !== (filter.q || "")) typed.value = filter.q || "";
  for (const id of ["class", "note"]) place(id).value = filter[id] || "";
  for (const id of ["from", "to"]) drawTime(place(id), filter[id]);
  place("all").checked = Boolean(filter.all);
  const set = Object.keys(filter).filter((key) => !ORDERS.has(key) && key !== "all");
  const value = (key) => (key === "from" || key === "to" ? moment(Number(filter[key])) : filter[key]);
  const away = { title: "Take this filter away" };
  const chips = set.map((key) =>
    anchor(`${key === "q" ? "search" : key}: ${value(key)} \u00d7`, { [key]: null }, away));
  if (set.length > 1) chips.push(anchor("all filters \u00d7", Object.fromEntries(set.map((key) => [key, null]))));
  show("chips", ...chips);
}

// A day, or a day and a time: 2026-11-23, 2026-11-23 14:00, 2026-11-23 14:00:30.
function timeTyped(typed) {
  const found = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?$/.exec(typed);
  return found ? Date.parse(`${found[1]}T${found[2] || "00:00"}Z`) / 1000 : NaN;
}

function drawTime(input, seconds) {
  input.removeAttribute("aria-invalid");
  input.value = seconds ? moment(Number(seconds)) : "";
}

function startFilters() {
  show("class", el("option", { value: "" }, "all"), ...classes.map((name) => el("option", { value: name }, name)));
  const notes = [...new Set(notices.map((row) => row.note))].sort();
  show("note", el("option", { value: "" }, "all"), ...notes.map((name) => el("option", { value: name }, name)));
  const quiet = held.totals.hosts - held.totals.named;
  place("all-label").hidden = !quiet || !held.totals.named;
  place("all-label").lastElementChild.textContent = `hosts without a notice (${count(quiet)})`;
  place("filters").addEventListener("submit", (event) => event.preventDefault());
  place("q").addEventListener("input", (event) => change({ q: event.target.value.trim() ? event.target.value : null }));
  for (const id of ["class", "note"]) {
    place(id).addEventListener("change", (event) => change({ [id]: event.target.value }));
  }
  for (const id of ["from", "to"]) {
    place(id).addEventListener("change", (event) => {
      const typed = event.target.value.trim();
      const seconds = typed ? timeTyped(typed) : null;
      if (Number.isNaN(seconds)) event.target.setAttribute("aria-invalid", "true");
      else change({ [id]: seconds });
    });
  }
  place("all").addEventListener("change", (event) => change({ all: event.target.checked ? 1 : null }));
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      place("q").focus();
    }
  });
}
