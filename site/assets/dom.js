// Building the page out of data. Text is only ever set as text: no data becomes markup.

const SVG = "http://www.w3.org/2000/svg";

/** The element of that id, which the page's own HTML holds. */
export function byId(id) {
  return document.getElementById(id);
}

/** An element with attributes and children (nodes or text); `null` children are left out. */
export function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  Object.keys(attributes || {}).forEach((name) => {
    if (attributes[name] !== null && attributes[name] !== undefined) {
      node.setAttribute(name, attributes[name]);
    }
  });
  add(node, children);
  return node;
}

/** Replaces everything inside a node. */
export function fill(node, ...children) {
  while (node.firstChild) {
    node.removeChild(node.firstChild);
  }
  add(node, children);
}

function add(node, children) {
  children
    .filter((child) => child !== null && child !== undefined)
    .forEach((child) => node.appendChild(typeof child === "object" ? child : document.createTextNode(String(child))));
}

/** A link. `href` must be ours (relative or below the site's root): anything else is shown as plain text. */
export function link(href, ...children) {
  const target = new URL(href, location.href);
  if (target.origin !== location.origin) {
    return make("span", null, ...children);
  }
  return make("a", { href }, ...children);
}

/** A telephone number to tap, if it is one; other words as they are. */
export function telephone(text) {
  return /^[0-9-]{3,20}$/.test(text || "") ? make("a", { href: `tel:${text}` }, text) : text;
}

/** One of the signs in icons.svg. Beside words only, so it is hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `assets/icons.svg#${name}`);
  svg.appendChild(use);
  return svg;
}

/** A list of facts: pairs of a word and what it is (a node, a text, or an array of these). Empty ones are left out. */
export function facts(pairs) {
  const shown = pairs.filter((pair) => pair[1] !== null && pair[1] !== undefined && pair[1] !== "");
  return make(
    "dl",
    { class: "facts" },
    ...shown.map((pair) => make("div", null, make("dt", null, pair[0]), make("dd", null, ...[].concat(pair[1])))),
  );
}

/** A table. A row is an array of cells; the first cell names the row. `form`: "cards" on a phone, or "slim" where the
    columns are few and narrow.
    `columns`: `{title, kind}`, `kind` "amount" for numbers and "short" for what must not be broken into lines. */
export function table(form, caption, columns, rows) {
  const cell = (content, index) =>
    index === 0
      ? make("th", { scope: "row" }, ...[].concat(content))
      : make(
          "td",
          { "data-column": columns[index].title, class: columns[index].kind },
          ...[].concat(content),
        );
  return make(
    "table",
    { class: form },
    make("caption", null, caption),
    make(
      "thead",
      null,
      make("tr", null, ...columns.map((column) => make("th", { scope: "col", class: column.kind }, column.title))),
    ),
    make("tbody", null, ...rows.map((row) => make("tr", null, ...row.map(cell)))),
  );
}
