// Drawings along time: the connections of all hosts, a small one in each row, and the timeline of one host.
const END = { "text-anchor": "end" };
const SOFT = { ...END, class: "soft" };
const { start: barStart, step: barStep, count: barCount } = held.bars;
const barEnd = barStart + barStep * barCount;

function stacks(list) {
  const found = new Map();
  for (const row of list) {
    if (!found.has(row.at)) found.set(row.at, new Map());
    const stack = found.get(row.at);
    stack.set(row.class, (stack.get(row.class) || 0) + row.n);
  }
  return found;
}

const sum = (stack) => [...stack.values()].reduce((a, b) => a + b, 0);

// Bars of equal time. Heights go with the logarithm: a scan would press all else flat.
function drawBars(list, box, withLinks) {
  const found = stacks(list);
  const most = Math.max(1, ...[...found.values()].map(sum));
  const width = box.width / barCount;
  const drawn = [];
  for (const [at, stack] of found) {
    const total = sum(stack);
    const height = Math.max(1.5, (Math.log1p(total) / Math.log1p(most)) * box.height);
    let top = box.y + box.height - height;
    for (const [name, n] of [...stack].sort((a, b) => classPlaces.get(a[0]) - classPlaces.get(b[0]))) {
      const part = (height * n) / total;
      const from = barStart + at * barStep;
      const bar = svg("rect", { class: `bar ${colour(name)}`, x: (box.x + at * width).toFixed(2), y: top.toFixed(2),
        width: Math.max(width - (width > 3 ? 1 : 0), 0.8).toFixed(2), height: part.toFixed(2) },
        withLinks ? hint(`${moment(from)} UTC, ${duration(barStep)}: ${count(n)} ${name} of ${count(total)}`) : null);
      drawn.push(withLinks
        ? svg("a", { href: addressOf({ from, to: from + barStep }), tabindex: -1 }, bar) : bar);
      top += part;
    }
  }
  return { drawn, most };
}

function spark(host) {
  const { drawn } = drawBars(barsOf.get(host.host) || [], { x: 0, y: 1, width: 150, height: 24 }, false);
  const base = svg("line", { class: "axis", x1: 0, x2: 150, y1: 25.5, y2: 25.5 });
  const words = `connections and evidence of ${host.host} over time`;
  return svg("svg", { class: "spark", viewBox: "0 0 150 26", role: "img", "aria-label": words },
    base, drawn, evidenceDots(host));
}

// Evidence in a row of the table: the highest told in each step, on one logarithmic scale for all hosts.
const mostEvidence = Math.max(1, ...hosts.map((host) => host.evidence || 0));

function evidenceDots(host) {
  const tops = new Map();
  for (const row of noticesOf.get(host.host) || []) {
    const at = Math.floor((row.ts - barStart) / barStep);
    if (row.evidence !== null) tops.set(at, Math.max(row.evidence, tops.get(at) || 0));
  }
  return [...tops].map(([at, value]) => svg("circle", { class: "told", cx: (((at + 0.5) * 150) / barCount).toFixed(1),
    cy: (24 - (Math.log1p(value) / Math.log1p(mostEvidence)) * 22).toFixed(1), r: 1.2 }));
}

function timeAxis(x, width, y, height) {
  const span = barEnd - barStart;
  const step = [60, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 7776000, 31536000]
    .find((each) => span / each <= 10) || 31536000;
  const drawn = [];
  for (let ts = Math.ceil(barStart / step) * step; ts <= barEnd; ts += step) {
    const at = x + ((ts - barStart) / span) * width;
    const from = step >= 86400 ? 0 : span > 86400 ? 5 : 11;
    const side = at > x + width - 30 ? "end" : "middle";
    drawn.push(svg("line", { class: "axis", x1: at, x2: at, y1: y, y2: y + height }),
      label(at, y + height + 13, moment(ts).slice(from, from ? 16 : 10), { class: "soft", "text-anchor": side }));
  }
  return drawn;
}

function drawOverview() {
  const wanted = words();
  const passing = new Set(hosts.filter((host) => hostPasses(host, wanted)).map((host) => host.host));
  const list = bars.filter((row) => (filter.host ? row.host === filter.host : passing.has(row.host)) &&
    (!filter.class || row.class === filter.class));
  const box = { x: 60, y: 6, width: 1130, height: 90 };
  const { drawn, most } = drawBars(list, box, true);
  show("overview", svg("svg", { viewBox: "0 0 1200 116", role: "img", "aria-label": "Connections over time by class" },
    timeAxis(box.x, box.width, box.y, box.height),
    label(54, 15, count(most), SOFT), label(54, 96, "0", SOFT), drawn));
  show("legend", ...classes.map((name) =>
    anchor(kind(name, classCounts.get(name)), { class: filter.class === name ? null : name })));
  const whose = filter.host ? `of ${filter.host}` : "of the hosts below";
  const which = held.scored ? `scored at ${held.least} or above` : "that the notices count";
  show("time-words", `Connections ${whose}, ${which}, in steps of ${duration(barStep)}; heights are logarithmic. ` +
    "Choose a bar for the notices of that time.");
}

// One host: its evidence as the host notices told it, its connections, and a lane for each port with its notices.
function timeline(host) {
  const lanes = (portsOf.get(host.host) || []).filter(portPasses).slice(0, 14);
  const told = (noticesOf.get(host.host) || []).filter((row) => !filter.class || row.class === filter.class);
  const x = 250, width = 940, x_of = (ts) => x + ((ts - barStart) / (barEnd - barStart)) * width;
  const high = { evidence: 80, bars: 50, lane: 20 };
  const lanesAt = high.evidence + high.bars + 24;
  const height = lanesAt + lanes.length * high.lane;
  const parts = [timeAxis(x, width, 4, height - 4)];
  parts.push(evidence(told.filter((row) => row.evidence !== null), x_of, x, 8, high.evidence - 8));
  const own = (barsOf.get(host.host) || []).filter((row) => !filter.class || row.class === filter.class);
  const { drawn, most } = drawBars(own, { x, y: high.evidence + 12, width, height: high.bars }, true);
  parts.push(label(x - 8, high.evidence + 24, "connections", END),
    label(x - 8, high.evidence + 38, `up to ${count(most)} in ${duration(barStep)}`, SOFT), drawn);
  lanes.forEach((lane, at) => parts.push(drawLane(lane, told, lanesAt + at * high.lane, x_of, x)));
  return svg("svg", { viewBox: `0 0 1200 ${height + 18}`, role: "img",
    "aria-label": `Evidence, connections and ports of ${host.host} over time; the tables below hold the same` }, parts);
}

function evidence(told, x_of, x, y, height) {
  const name = label(x - 8, y + 10, "evidence", END);
  if (!told.length) return [name, label(x + 8, y + 10, "no host notice", { class: "soft" })];
  const values = told.map((row) => Math.max(row.evidence, 0.1));
  const limit = held.models.length === 1 ? held.models[0].hostThreshold : null;
  const [low, top] = [Math.min(...values, limit || Infinity) * 0.8, Math.max(...values, limit || 0) * 1.1];
  const y_of = (value) => y + height - (Math.log(value / low) / Math.log(top / low)) * height;
  const drawn = [name, label(x - 8, y + 24, `up to ${figure(Math.max(...values))} nats`, SOFT)];
  if (limit) {
    drawn.push(svg("line", { class: "limit", x1: x, x2: 1190, y1: y_of(limit), y2: y_of(limit) }),
      label(x - 8, y_of(limit) + 3, `threshold ${limit.toPrecision(3)}`, SOFT));
  }
  for (const row of told) {
    const at = { cx: x_of(row.ts), cy: y_of(Math.max(row.evidence, 0.1)), r: 3.5 };
    drawn.push(svg("circle", { class: `mark ${colour(row.class)}`, ...at },
      hint(`${moment(row.ts)} UTC: ${row.class}, evidence ${row.evidence}, to ${address(row)}`)));
  }
  return drawn;
}

function drawLane(lane, told, y, x_of, x) {
  const who = lane.peer || many(lane.peers, "peer");
  const middle = y + 10;
  const [from, to] = [x_of(lane.first), Math.max(x_of(lane.last), x_of(lane.first) + 1)];
  const drawn = [svg("line", { class: "axis", x1: 0, x2: 1190, y1: y, y2: y }),
    svg("a", { href: addressOf({ port: port(lane) }), tabindex: -1 },
      label(x - 8, middle + 4, `${cut(who, 26)} ${port(lane)}`, END)),
    svg("line", { class: `span ${colour(lane.class)}`, x1: from, x2: to, y1: middle, y2: middle },
      hint(`${lane.class}: ${many(lane.n, "connection")} to ${who} ${port(lane)}`))];
  for (const row of told) {
    if (row.port !== lane.port || row.proto !== lane.proto || row.class !== lane.class) continue;
    drawn.push(svg("circle", { class: `mark ${colour(row.class)}`, cx: x_of(row.ts), cy: middle, r: 4 },
      hint(`${moment(row.ts)} UTC: ${row.note}, ${row.class}, to ${address(row)}`)));
  }
  return drawn;
}
