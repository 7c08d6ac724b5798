// Tables with columns that sort; long ones are shown piece by piece, so that the page opens at once.
// A column: { name, words, of: row => what it sorts by, cell: row => what it shows, look: a class, text: it sorts as
// text }.
const PIECE = 100;
const shownRows = new Map();

function drawTable(id, columns, list, options) {
  const { order, sortable, caption } = { sortable: true, ...options };
  const ordered = sortable && order ? sorted(columns, list, order) : list;
  const shown = Math.min(shownRows.get(id) || PIECE, ordered.length);
  const head = el("tr", null, columns.map((column) => headCell(id, column, order, sortable)));
  const body = el("tbody");
  for (let at = 0; at < shown; at++) body.append(bodyRow(columns, ordered[at]));
  show(id, caption ? el("caption", { class: "soft" }, caption) : null, el("thead", null, head), body);
  const more = place(`${id}-more`);
  if (!more) return;
  const left = ordered.length - shown;
  const rest = (n) => () => { shownRows.set(id, shown + n); draw(); };
  more.replaceChildren();
  if (left > 0) more.append(button(`Show ${count(Math.min(PIECE, left))} more`, rest(PIECE)));
  if (left > PIECE) more.append(button(`Show all ${count(ordered.length)}`, rest(left)));
}

function headCell(id, column, order, sortable) {
  const look = column.look === "n" ? "n" : null;
  if (!sortable || !column.of) return el("th", { scope: "col", class: look }, column.words);
  const name = order.replace("-", "");
  const direction = name !== column.name ? "none" : order.startsWith("-") ? "descending" : "ascending";
  const first = column.text ? "" : "-";  // numbers and times: the largest first
  const next = direction === "none" ? first + column.name : (direction === "ascending" ? "-" : "") + column.name;
  const press = button(column.words, () => {
    change({ [id]: next });
    const again = [...place(id).querySelectorAll("th button")].find((each) => each.textContent === column.words);
    if (again) again.focus();
  });
  return el("th", { scope: "col", "aria-sort": direction, class: look }, press);
}

function bodyRow(columns, row) {
  const cells = columns.map((column) => el("td", { class: column.look || null }, column.cell(row)));
  return el("tr", { "aria-current": row === hostNamed.get(filter.host) ? "true" : null }, cells);
}

function sorted(columns, list, order) {
  const column = columns.find((each) => each.name === order.replace("-", "")) || columns.find((each) => each.of);
  const turn = order.startsWith("-") ? -1 : 1;
  return list
    .map((row, at) => [column.of(row), at, row])
    .sort((a, b) => turn * compared(a[0], b[0], turn) || a[1] - b[1])
    .map((each) => each[2]);
}

// What has no value stands last, whichever way the others run.
function compared(a, b, turn) {
  const [noneA, noneB] = [a === null || a === undefined, b === null || b === undefined];
  if (noneA || noneB) return noneA && noneB ? 0 : noneA ? turn : -turn;
  if (typeof a === "string") return a.localeCompare(b, "en", { numeric: true });
  return a - b;
}
