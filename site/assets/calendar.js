// 发放日历: which subsidies are paid in which month, as a list by month and as a table of the year.

import { read } from "./api.js";
import { YEAR, address, parameter } from "./address.js";
import { today } from "./clock.js";
import { byId, fill, link, make } from "./dom.js";
import { monthsOf } from "./paydays.js";
import { run, say, wait } from "./state.js";

const MONTHS = Array.from({ length: 12 }, (nothing, index) => index + 1);
const year = parameter("year", YEAR);

async function page() {
  wait("正在取发放日历");
  const calendar = await read("calendar", { year });
  say(`${calendar.year}年，共${calendar.subsidies.length}项补贴。`);
  fill(byId("list"), ...monthList(calendar));
  fill(byId("table"), yearTable(calendar));
  byId("views").hidden = false;
  byId("as-list").addEventListener("click", () => view("list"));
  byId("as-table").addEventListener("click", () => view("table"));
}

function view(name) {
  ["list", "table"].forEach((each) => {
    byId(each).hidden = each !== name;
    byId(`as-${each}`).setAttribute("aria-pressed", String(each === name));
  });
}

/** What may be paid in a month: `{subsidy, times}`, those with a fixed day first, by that day. */
function paidIn(calendar, month) {
  return calendar.subsidies
    .map((subsidy) => ({ subsidy, times: subsidy.payments.filter((time) => monthsOf(time).indexOf(month) >= 0) }))
    .filter((entry) => entry.times.length)
    .sort((one, other) => rank(one) - rank(other));
}

function rank(entry) {
  const time = entry.times[0];
  return time.kind === "day" ? Number(time.from.slice(8)) : 40;
}

function monthList(calendar) {
  const now = today();
  const current = now.slice(0, 4) === String(calendar.year) ? Number(now.slice(5, 7)) : 0;
  const jump = make(
    "nav",
    { "aria-label": "月份", class: "months" },
    make("ul", null, ...MONTHS.map((month) => make("li", null, make("a", { href: `#month-${month}` }, `${month}月`)))),
  );
  return [jump].concat(
    MONTHS.map((month) =>
      make(
        "section",
        { id: `month-${month}`, "aria-labelledby": `month-${month}-title` },
        make(
          "h2",
          { id: `month-${month}-title` },
          `${month}月`,
          month === current ? make("span", { class: "tag now" }, "本月") : null,
        ),
        oneMonth(calendar, month),
      ),
    ),
  );
}

function oneMonth(calendar, month) {
  const entries = paidIn(calendar, month);
  if (!entries.length) {
    return make("p", null, "这个月没有安排。");
  }
  const fixed = entries.filter((entry) => entry.times[0].kind === "day");
  const loose = entries.filter((entry) => entry.times[0].kind !== "day");
  return make(
    "div",
    null,
    fixed.length ? make("ul", { class: "rows" }, ...fixed.map(row)) : null,
    // The same ones month after month: folded, so that the days stand out.
    loose.length
      ? make(
          "details",
          null,
          make("summary", null, `没有固定日子、名单审定后发的（${loose.length}项）`),
          make("ul", { class: "rows" }, ...loose.map(row)),
        )
      : null,
  );
}

function row(entry) {
  return make(
    "li",
    null,
    link(
      address("subsidy", { code: entry.subsidy.code, year }),
      make("b", null, entry.subsidy.name),
      " ",
      make("small", null, entry.times.map((time) => time.words).join("；")),
    ),
  );
}

function yearTable(calendar) {
  return make(
    "table",
    { class: "year" },
    make("caption", null, `${calendar.year}年发放日历`),
    make(
      "thead",
      null,
      make(
        "tr",
        null,
        make("th", { scope: "col" }, "补贴项目"),
        ...MONTHS.map((month) => make("th", { scope: "col" }, `${month}月`)),
      ),
    ),
    make(
      "tbody",
      null,
      ...calendar.subsidies.map((subsidy) =>
        make(
          "tr",
          null,
          make("th", { scope: "row" }, link(address("subsidy", { code: subsidy.code, year }), subsidy.name)),
          ...MONTHS.map((month) => monthCell(subsidy, month)),
        ),
      ),
    ),
  );
}

function monthCell(subsidy, month) {
  const time = subsidy.payments.find((each) => monthsOf(each).indexOf(month) >= 0);
  if (!time) {
    return make("td", { class: "none" }, make("span", { class: "unseen" }, "不发"));
  }
  const words = time.kind === "day" ? `${Number(time.from.slice(8))}日` : "审定后";
  return make("td", { class: time.kind, "data-month": `${month}月` }, words);
}

run(page);
