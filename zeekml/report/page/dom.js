// Elements. Whatever came from a log becomes text (createTextNode) and nothing else: no markup is ever parsed.
const SVG = "http://www.w3.org/2000/svg";
const place = (id) => document.getElementById(id);

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) {
      element.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
  return element;
}

const el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);
const label = (x, y, words, attributes) => svg("text", { x, y, ...attributes }, words);
const hint = (words) => svg("title", null, words);
const show = (id, ...children) => place(id).replaceChildren(...filled(el("div"), null, children).childNodes);
const kind = (name, n) =>
  el("span", { class: `kind ${colour(name)}` }, name || "no class", n === undefined ? null : ` ${count(n)}`);

function button(words, act) {
  const made = el("button", { type: "button" }, words);
  made.addEventListener("click", act);
  return made;
}
