// A long table page by page: a cheap phone should not have to draw ten thousand rows.

import { fill, make } from "./dom.js";

const ROWS = 50;

/** `draw(rows)` makes the table of some rows; what is below it turns the pages. */
export function paged(rows, draw) {
  const pages = Math.max(1, Math.ceil(rows.length / ROWS));
  const shown = make("div", { tabindex: "-1" });
  const where = make("p", { role: "status" });
  const before = make("button", { type: "button", class: "button plain" }, "上一页");
  const after = make("button", { type: "button", class: "button plain" }, "下一页");
  const last = make("button", { type: "button", class: "button plain" }, "最后一页");
  let page = 0;

  function turn(to) {
    page = to;
    fill(shown, draw(rows.slice(page * ROWS, (page + 1) * ROWS)));
    where.textContent = `第${page + 1}页，共${pages}页`;
    before.disabled = page === 0;
    after.disabled = page === pages - 1;
    last.disabled = after.disabled;
  }

  function turnAndGo(to) {
    turn(to);
    shown.focus();
    shown.scrollIntoView();
  }

  before.addEventListener("click", () => turnAndGo(page - 1));
  after.addEventListener("click", () => turnAndGo(page + 1));
  last.addEventListener("click", () => turnAndGo(pages - 1));
  turn(0);
  const turning = make("div", { class: "buttons" }, before, after, last);
  return make("div", null, shown, pages > 1 ? make("nav", { "aria-label": "翻页" }, where, turning) : null);
}
