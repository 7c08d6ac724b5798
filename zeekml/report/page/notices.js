// The notices.
const NOTICE_COLUMNS = [
  { name: "ts", words: "Time (UTC)", of: (row) => row.ts, look: "t", cell: (row) => moment(row.ts) },
  { name: "host", words: "Host", of: (row) => row.host, text: true, look: "m", cell: hostLink },
  { name: "peer", words: "Latest peer", of: (row) => row.peer, text: true, look: "m",
    cell: (row) => [peerLink(row), " ", anchor(port(row), { port: port(row) })] },
  { name: "note", words: "Note", of: (row) => row.note, text: true, look: "t",
    cell: (row) => anchor(row.note.replace("Botnet_", ""), { note: row.note }, { title: row.note }) },
  { name: "class", words: "Class", of: (row) => row.class, text: true,
    cell: (row) => anchor(kind(row.class), { class: row.class }) },
  { name: "score", words: "Score", of: (row) => row.score, look: "n", cell: (row) => score(row.score) },
  { name: "evidence", words: "Evidence", of: (row) => row.evidence, look: "n",
    cell: (row) => (row.evidence === null ? "" : figure(row.evidence)) },
  { name: "carried", words: "Carried by", of: (row) => row.evidence_ports + " " + row.evidence_peers, text: true, look: "m",
    cell: carriedBy },
  { name: "n", words: "n", of: (row) => row.n, look: "n", cell: (row) => count(row.n) },
  { name: "why", words: "Why", of: (row) => row.why, text: true, look: "w", cell: reasons },
  { name: "uid", words: "uid", of: (row) => row.uid, text: true, look: "m", cell: (row) => row.uid },
];

// The ports and the peers that carry most of the evidence against the host, the heaviest first.
function carriedBy(row) {
  const parts = [...listed(row.evidence_ports).map((text) => anchor(text, { port: text })),
    ...listed(row.evidence_peers).map((text) => anchor(text, { peer: text }, { title: text }))];
  return parts.map((part) => el("div", null, part));
}

// The reasons, what else the notice says, and what was wrong with its log: then they are to be taken with care.
function reasons(row) {
  return [row.why, row.more ? el("div", { class: "soft" }, row.more) : null,
    row.sensor ? el("div", { class: "warning" }, `sensor: ${row.sensor}`) : null];
}

function drawNotices() {
  const wanted = words();
  const passing = notices.filter((row) => noticePasses(row, wanted));
  drawTable("notices", NOTICE_COLUMNS, passing, { order: filter.notices || "-evidence" });
  const left = held.totals.notices - notices.length;
  const others = held.otherNotices ? ` ${many(held.otherNotices, "notice")} of others in the logs: not shown.` : "";
  show("notices-words", `${many(passing.length, "notice")} of ${count(notices.length)}.` +
    (left ? ` The page holds the latest; ${count(left)} before them are counted above and stand in the log.` : "") +
    `${others} n: connections that a notice stands for. The uid finds the connection in its log, and zeekml explain ` +
    "says more about it.");
}
