// What the report was made from.
function drawAbout() {
  const { hosts: all, named, notices: told, connections } = held.totals;
  const span = `, ${moment(periodFrom)} to ${moment(periodTo)} UTC (${duration(periodTo - periodFrom)})`;
  const found = `${many(connections, "suspicious connection")} of ${many(all, "host")}`;
  show("lead", told || all
    ? `${many(named, "host")} named in ${many(told, "notice")}; ${found}${periodTo > periodFrom ? span : ""}.`
    : "The logs hold no finding.");
  show("models", ...held.models.map((model) => [
    el("h3", null, string(model.name), el("span", { class: "soft" }, ` named in ${many(model.lines, "line")}`)),
    model.facts.length
      ? el("dl", null, model.facts.map((fact) => [el("dt", null, string(fact[0])), el("dd", null, string(fact[1]))]))
      : el("p", { class: "soft" }, "This model is not known here; name its folder with --model to see its thresholds."),
  ]).flat());
  drawTable("sources", [
    { words: "Log", cell: (row) => string(row.name) },
    { words: "is a", cell: (row) => row.kind || "\u2013" },
    { words: "Lines", look: "n", cell: (row) => count(row.lines) },
    { words: "Not readable", look: "n", cell: (row) => count(row.rejected) },
    { words: "Problem", cell: (row) => string(row.problem) },
  ], held.sources, { sortable: false });
  const logged = held.scored
    ? "" : "There was no zeekml.log: connections, peers and ports are those that the notices tell of. ";
  const off = held.totals.pairsLeftOff
    ? "Of very many peers the weakest were left off; their numbers are at least what is shown. " : "";
  show("made", `${logged}${off}Made ${moment(held.made)} UTC by zeekml ${held.version}.`);
  place("drift").hidden = !held.drift.length;
  const percent = (share) => (share === null ? "\u2013" : `${(100 * share).toFixed(2)}%`);
  drawTable("drift-table", [
    { words: "Log", cell: (row) => string(row.log) },
    { words: "Looked at", look: "n", cell: (row) => count(row.lookedAt) },
    { words: "Scores near the threshold", look: "n", cell: (row) => percent(row.near) },
    { words: "in training", look: "n", cell: (row) => percent(row.nearExpected) },
    { words: "Features moved much", look: "n",
      cell: (row) => (row.features ? `${count(row.movedMuch)} of ${count(row.features)}` : "not available") },
    { words: "Most", cell: (row) => row.most.map(([name, value]) => `${string(name)} ${value.toFixed(2)}`).join(", ") },
    { words: "Until", look: "t", cell: (row) => moment(row.made) },
  ], held.drift, { sortable: false });
  drawHealth();
}

// What was wrong with the logs, and a line at the top of the page that leads there.
function drawHealth() {
  place("health").hidden = place("health-lead").hidden = !held.health.length;
  if (!held.health.length) return;
  const codes = [...new Set(held.health.map(([, code]) => cut(string(code), 40)))].sort().slice(0, 9);
  const hosts = new Set(held.health.map(([host]) => host)).size;
  const link = el("a", { href: "#health-title" }, "Sensor health");
  link.addEventListener("click", (event) => {
    event.preventDefault();  // the address keeps the filters
    place("health").scrollIntoView();
    place("health-title").focus();
  });
  show("health-lead", `The logs of ${many(hosts, "host")} could not always be trusted (${codes.join(", ")}): see `, link, ".");
  drawTable("health-table", [
    { words: "Host", cell: ([host]) => anchor(string(host), { host: string(host) }) },
    { words: "What was wrong with the log", cell: ([, said]) => string(said) },
    { words: "Notices", look: "n", cell: ([, , n]) => count(n) },
    { words: "Connections", look: "n", cell: ([, , , n]) => count(n) },
  ], held.health, { sortable: false });
}
