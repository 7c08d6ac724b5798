// The hosts, and what is known of the one that is chosen: its reasons, ports and peers.
const hostLink = (row) => anchor(row.host, { host: row.host }, { title: row.host });
const peerLink = (row) => anchor(row.peer || "\u2013", { peer: row.peer }, { title: row.peer });

const HOST_COLUMNS = [
  { name: "host", words: "Host", of: (row) => row.host, text: true, look: "m", cell: hostLink },
  { name: "evidence", words: "Evidence", of: (row) => row.evidence, look: "n",
    cell: (row) => figure(row.evidence) },
  { name: "time", words: "Over time", cell: (row) => spark(row) },
  { name: "class", words: "Classes", of: (row) => (row.classes[0] ? row.classes[0].name : ""), text: true,
    cell: (row) => row.classes.slice(0, 3).map((each) => kind(each.name, each.n))
      .concat(row.classes.length > 3 ? [el("span", { class: "soft" }, `${row.classes.length - 3} more`)] : []) },
  { name: "notices", words: "Notices", of: (row) => row.notices, look: "n", cell: (row) => count(row.notices) },
  { name: "n", words: "Connections", of: (row) => row.n, look: "n", cell: (row) => count(row.n) },
  { name: "peers", words: "Peers", of: (row) => row.peers, look: "n", cell: (row) => count(row.peers) },
  { name: "first", words: "First", of: (row) => row.first, look: "t", cell: (row) => moment(row.first).slice(5, 16) },
  { name: "last", words: "Last", of: (row) => row.last, look: "t", cell: (row) => moment(row.last).slice(5, 16) },
  { name: "why", words: "Strongest reason", of: (row) => row.why, text: true, look: "w", cell: (row) => row.why },
];

function drawHosts() {
  const wanted = words();
  const passing = hosts.filter((host) => hostPasses(host, wanted));
  drawTable("hosts", HOST_COLUMNS, passing, { order: filter.hosts || "-evidence" });
  const all = held.totals.hosts;
  const listed = hosts.length < all ? ` Listed are the ${count(hosts.length)} with the most evidence.` : "";
  show("hosts-words", `${many(passing.length, "host")} of ${count(all)}.${listed} Evidence is the highest ` +
    "that a notice told, in nats; it fades with time. Over time: bars are connections, dots are evidence. Choose a " +
    "host to see what it did.");
  drawHost(passing, wanted);
}

function drawHost(passing, wanted) {
  const host = hostNamed.get(filter.host) || (filter.host ? undefined : passing[0]);
  place("host").hidden = !host;
  if (!host) return;
  show("host-title", host.host);
  const told = host.evidence === null ? "not named by a host notice" : `evidence up to ${figure(host.evidence)}`;
  const did = `${many(host.notices, "notice")}, ${many(host.n, "connection")} to ${many(host.peers, "peer")}`;
  show("host-words", `${told}; ${did}, ${moment(host.first)} to ${moment(host.last)} UTC. `,
    ...host.classes.map((each) => kind(each.name, each.n)));
  show("timeline", timeline(host));
  drawReasons(host);
  const open = (portsOf.get(host.host) || []).filter(portPasses);
  drawTable("ports", PORT_COLUMNS, open.slice(0, LONGEST),
    { sortable: false, caption: leftOff(open.length, open.length, "ports and classes") });
  // The words that the host itself holds do not narrow its peers.
  const further = wanted.filter((word) => !hay(host).includes(word));
  const met = (pairsOf.get(host.host) || []).filter((row) => pairPasses(row, further));
  drawTable("peers", PEER_COLUMNS, met.slice(0, LONGEST),
    { sortable: false, caption: leftOff(met.length, host.pairs, "peers and ports") });
}

const LONGEST = 15;

function leftOff(passing, all, what) {
  const shown = Math.min(passing, LONGEST);
  return all > shown ? `${count(shown)} of ${count(all)} ${what}, those with the most connections` : null;
}

function portPasses(row) {
  return (
    (!filter.class || row.class === filter.class) && (!filter.port || port(row) === filter.port) &&
    inTime(row.first, row.last)
  );
}

const SPAN_COLUMNS = [
  { words: "Class", cell: (row) => kind(row.class) },
  { words: "Connections", look: "n", cell: (row) => count(row.n) },
  { words: "Score", look: "n", cell: (row) => score(row.score) },
  { words: "First", look: "t", cell: (row) => moment(row.first).slice(5, 16) },
  { words: "Last", look: "t", cell: (row) => moment(row.last).slice(5, 16) },
];
const PORT_COLUMNS = [
  { words: "Port", look: "t", cell: (row) => anchor(port(row), { port: port(row) }) },
  { words: "Peers", look: "n", cell: (row) => count(row.peers) },
  ...SPAN_COLUMNS,
];
const PEER_COLUMNS = [
  { words: "Peer", look: "m", cell: (row) => [peerLink(row), " ", port(row)] },
  ...SPAN_COLUMNS,
];

// Reasons differ in their figures from notice to notice: those that are alike without them are one, told by the latest.
function drawReasons(host) {
  const alike = new Map();
  for (const notice of noticesOf.get(host.host) || []) {
    if (!notice.why || (filter.class && notice.class !== filter.class)) continue;
    const key = notice.class + " " + notice.why.replace(/[0-9][0-9.,:]*/g, "#");
    const found = alike.get(key) || { n: 0 };
    alike.set(key, { n: found.n + 1, notice });
  }
  const found = [...alike.values()].sort((a, b) => b.n - a.n).slice(0, 8);
  const items = found.map(({ n, notice }) => el("li", null, kind(notice.class), notice.why,
    el("span", { class: "soft" }, ` \u2013 ${many(n, "notice")}, last ${moment(notice.ts)}`)));
  if (!items.length) items.push(el("li", null, host.why || "The logs give no reasons for this host."));
  show("reasons", ...items);
}
