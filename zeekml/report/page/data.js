// The document, its columns turned into rows. Texts come from the list of strings; a place of -1 is none.
const TEXTS = new Set(["host", "peer", "proto", "class", "note", "uid", "why", "model", "sensor", "more",
  "evidence_peers", "evidence_ports"]);
const held = JSON.parse(document.getElementById("document").textContent);
const string = (place) => (place < 0 ? "" : held.strings[place]);

function rows(columns) {
  const names = Object.keys(columns).filter((name) => Array.isArray(columns[name]));
  return columns[names[0]].map((_, at) => {
    const row = {};
    for (const name of names) row[name] = TEXTS.has(name) ? string(columns[name][at]) : columns[name][at];
    return row;
  });
}

const hosts = rows(held.hosts);
const pairs = rows(held.pairs);
const ports = rows(held.ports);
const shared = rows(held.shared);
const bars = rows(held.bars);
const notices = rows(held.notices);
const [periodFrom, periodTo] = held.period;

function grouped(list, name) {
  const groups = new Map();
  for (const row of list) {
    if (!groups.has(row[name])) groups.set(row[name], []);
    groups.get(row[name]).push(row);
  }
  return groups;
}

const pairsOf = grouped(pairs, "host");
const portsOf = grouped(ports, "host");
const barsOf = grouped(bars, "host");
const noticesOf = grouped(notices, "host");
const hostNamed = new Map();
for (const host of hosts) {
  host.classes = host.classes.map(([name, n]) => ({ name: string(name), n }));
  hostNamed.set(host.host, host);
}

// The classes by how many connections they have; each keeps one colour on the whole page.
const classCounts = new Map();
for (const host of hosts) {
  for (const each of host.classes) classCounts.set(each.name, (classCounts.get(each.name) || 0) + each.n);
}
for (const notice of notices) if (!classCounts.has(notice.class)) classCounts.set(notice.class, 0);
const classes = [...classCounts.keys()].sort((a, b) => classCounts.get(b) - classCounts.get(a));
const classPlaces = new Map(classes.map((name, at) => [name, at]));
const colour = (name) => "k" + Math.min(classPlaces.has(name) ? classPlaces.get(name) : 7, 7);

const count = (n) => n.toLocaleString("en-US");
const many = (n, one, more) => `${count(n)} ${n === 1 ? one : more || one + "s"}`;
const moment = (ts) => new Date(ts * 1000).toISOString().slice(0, 19).replace("T", " ");
const figure = (value) => (value === null ? "\u2013" : count(Number(value.toFixed(1))));
const score = (value) => (value === null ? "\u2013" : value.toFixed(3));
const isIcmp = (proto) => proto.startsWith("icmp");

// What carries the evidence of a notice: a list of texts, each its own filter.
const listed = (text) => (text ? text.split(", ") : []);

const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + "\u2026" : text);

function port(row) {
  return isIcmp(row.proto) || row.port < 0 ? row.proto : `${row.port}/${row.proto}`;
}

function address(row) {
  const name = row.peer.includes(":") ? `[${row.peer}]` : row.peer;
  return isIcmp(row.proto) || row.port < 0 ? `${row.peer} (${row.proto})` : `${name}:${row.port}/${row.proto}`;
}

function duration(seconds) {
  for (const [unit, size] of [["days", 86400], ["hours", 3600], ["minutes", 60]]) {
    if (seconds >= 2 * size) return `${(seconds / size).toFixed(1)} ${unit}`;
  }
  return `${seconds.toFixed(0)} seconds`;
}
