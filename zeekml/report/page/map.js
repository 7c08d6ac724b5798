// The map: hosts on the left, peers on the right, a line for who talks to whom.
const MOST_LINES = 240;

function mapEdges() {
  const narrow = (row) => (!filter.class || row.class === filter.class) && toPeer(row);
  const common = shared.filter(narrow);
  if (common.length) return { edges: joined(common), common: true };
  const own = [];
  for (const host of hosts.filter((each) => each.notices || !held.totals.named).slice(0, 15)) {
    own.push(...(pairsOf.get(host.host) || []).filter(narrow).slice(0, 4));
  }
  return { edges: joined(own), common: false };
}

// One line for a host and a peer, in the colour of the class with the most connections.
function joined(list) {
  const found = new Map();
  for (const row of list) {
    const key = JSON.stringify([row.host, row.peer]);
    const edge = found.get(key) || { host: row.host, peer: row.peer, n: 0, most: 0, ports: new Set() };
    edge.n += row.n;
    edge.ports.add(port(row));
    if (row.n > edge.most) Object.assign(edge, { most: row.n, class: row.class });
    found.set(key, edge);
  }
  return [...found.values()].slice(0, MOST_LINES);
}

// Each side in the order of where its lines lead to (barycentres), a few times over, so that few lines cross.
function laidOut(edges) {
  const left = [...new Set(edges.map((edge) => edge.host))];
  const right = [...new Set(edges.map((edge) => edge.peer))];
  const settle = (mine, others, name, other) => {
    const at = new Map(others.map((each, i) => [each, i / Math.max(1, others.length - 1)]));
    const sums = new Map(mine.map((each) => [each, [0, 0]]));
    for (const edge of edges) {
      const pair = sums.get(edge[name]);
      pair[0] += at.get(edge[other]);
      pair[1] += 1;
    }
    mine.sort((a, b) => sums.get(a)[0] / sums.get(a)[1] - sums.get(b)[0] / sums.get(b)[1]);
  };
  for (let round = 0; round < 6; round++) {
    settle(right, left, "peer", "host");
    settle(left, right, "host", "peer");
  }
  return { left, right };
}

function drawMap() {
  const { edges, common } = mapEdges();
  const peers = new Set(edges.map((edge) => edge.peer)).size;
  show("map-words", common
    ? `${many(peers, "peer")} that two hosts or more talk to: a common server of a botnet stands here, and so may a ` +
      "service that everybody uses. Thick lines are many connections; what a scan merely met is left out."
    : "No peer is shared by two of the named hosts." +
      (edges.length ? " Shown are the peers that each of them talked to most." : ""));
  if (!edges.length) {
    show("map");
    return;
  }
  const { left, right } = laidOut(edges);
  const lines = Math.max(left.length, right.length);
  const height = lines * 22 + 10;
  const spread = (list) => new Map(list.map((name, at) => [name, 5 + ((at + 0.5) * (height - 10)) / list.length]));
  const [lefts, rights] = [spread(left), spread(right)];
  const [x1, x2] = [300, 820];
  const drawn = edges.map((edge) => {
    const [y1, y2] = [lefts.get(edge.host), rights.get(edge.peer)];
    const dim = (filter.host && filter.host !== edge.host) || (filter.peer && filter.peer !== edge.peer);
    const ways = [...edge.ports].slice(0, 5).join(", ");
    return svg("path", {
      class: `edge ${colour(edge.class)}${dim ? " dim" : ""}`,
      d: `M${x1},${y1} C${x1 + 200},${y1} ${x2 - 200},${y2} ${x2},${y2}`,
      "stroke-width": (1 + Math.log2(1 + edge.n) / 2).toFixed(1),
    }, hint(`${edge.host} to ${edge.peer}: ${many(edge.n, "connection")}, ${edge.class}, ${ways}`));
  });
  const node = (name, x, y, side, parts, extra) => [
    svg("circle", { cx: x, cy: y, r: 3.5, fill: "currentColor" }),
    svg("a", { href: addressOf(parts) },
      label(x + side * 8, y + 4, cut(name, 40) + extra, { "text-anchor": side < 0 ? "end" : "start" })),
  ];
  const portsTo = grouped(edges, "peer");
  const nodes = [
    ...left.map((name) => node(name, x1, lefts.get(name), -1, { host: name }, "")),
    ...right.map((name) => {
      const mine = portsTo.get(name);
      const said = [...new Set(mine.flatMap((edge) => [...edge.ports]))];
      const whose = common ? ` (${many(mine.length, "host")})` : "";
      const extra = ` ${said.slice(0, 2).join(", ")}${said.length > 2 ? " \u2026" : ""}${whose}`;
      return node(name, x2, rights.get(name), 1, { peer: name }, extra);
    }),
  ];
  show("map", svg("svg", { viewBox: `0 0 1200 ${height}`, role: "group", "aria-label": "Hosts and their peers" },
    drawn, nodes));
}
