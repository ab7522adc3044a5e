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
  say(`${calendar.year}年，共${calendar.subsidies.length}项补贴。${holidays(calendar)}`);
  fill(byId("list"), ...monthList(calendar));
  showMonth(calendar);
  window.addEventListener("hashchange", () => {
    showMonth(calendar);
    byId(`${chosenMonth(calendar)}-title`).focus();
  });
  fill(byId("table"), yearTable(calendar));
  byId("views").hidden = false;
  byId("as-list").addEventListener("click", () => view("list"));
  byId("as-table").addEventListener("click", () => view("table"));
}

function holidays(calendar) {
  return calendar.holidays_published ? "" : "当年放假安排还没有公布，日子遇到节假日会再顺延。";
}

function view(name) {
  ["list", "table"].forEach((each) => {
    byId(each).hidden = each !== name;
    byId(`as-${each}`).setAttribute("aria-pressed", String(each === name));
  });
}

/** The month we are in, 0 outside the calendar's year. */
function thisMonth(calendar) {
  const now = today();
  return now.slice(0, 4) === String(calendar.year) ? Number(now.slice(5, 7)) : 0;
}

/** The month in the address (so that the back button goes a month back), or this one. */
function chosenMonth(calendar) {
  const chosen = location.hash.slice(1);
  return /^month-([1-9]|1[0-2])$/.test(chosen) ? chosen : `month-${thisMonth(calendar) || 1}`;
}

function showMonth(calendar) {
  const chosen = chosenMonth(calendar);
  MONTHS.map((month) => `month-${month}`).forEach((each) => {
    byId(each).hidden = each !== chosen;
    if (each === chosen) {
      byId(`${each}-link`).setAttribute("aria-current", "true");
    } else {
      byId(`${each}-link`).removeAttribute("aria-current");
    }
  });
}

function monthList(calendar) {
  const current = thisMonth(calendar);
  const jump = make(
    "nav",
    { "aria-label": "月份", class: "months" },
    make("ul", null, ...MONTHS.map((month) => make("li", null, monthLink(month)))),
  );
  return [jump].concat(MONTHS.map((month) => oneMonth(calendar, month, month === current)));
}

function monthLink(month) {
  return make("a", { href: `#month-${month}`, id: `month-${month}-link` }, `${month}月`);
}

function oneMonth(calendar, month, current) {
  const title = `month-${month}-title`;
  const { days, loose } = paidIn(calendar, month);
  const nothing = days.length + loose.length === 0;
  return make(
    "section",
    { id: `month-${month}`, "aria-labelledby": title },
    make("h2", { id: title, tabindex: "-1" }, `${month}月`, current ? make("span", { class: "tag now" }, "本月") : null),
    nothing ? make("p", null, "这个月没有安排。") : null,
    ...days.map((each) => make("div", null, make("h3", null, each.words), subsidyList(each.subsidies))),
    // Much the same every month: folded, so that the days stand out.
    loose.length
      ? make(
          "details",
          null,
          make("summary", null, `没有固定日子、名单审定后发的（${loose.length}项）`),
          subsidyList(loose),
        )
      : null,
  );
}

/** What may be paid in a month: the fixed `days` in order, each with its subsidies, and the `loose` ones. */
function paidIn(calendar, month) {
  const days = [];
  const loose = [];
  calendar.subsidies.forEach((subsidy) => {
    const time = timeIn(subsidy, month);
    if (time && time.kind !== "day") {
      loose.push(subsidy);
    } else if (time) {
      const known = days.find((each) => each.from === time.from);
      if (known) {
        known.subsidies.push(subsidy);
      } else {
        days.push({ from: time.from, words: time.words, subsidies: [subsidy] });
      }
    }
  });
  return { days: days.sort((one, other) => (one.from < other.from ? -1 : 1)), loose };
}

function timeIn(subsidy, month) {
  return subsidy.payments.find((time) => monthsOf(time).indexOf(month) >= 0);
}

function subsidyList(subsidies) {
  return make("ul", { class: "paid" }, ...subsidies.map((subsidy) => make("li", null, subsidyLink(subsidy))));
}

function subsidyLink(subsidy) {
  return link(address("subsidy", { code: subsidy.code, year }), subsidy.name);
}

function yearTable(calendar) {
  const heads = MONTHS.map((month) => make("th", { scope: "col" }, `${month}月`));
  const row = (subsidy) =>
    make(
      "tr",
      null,
      make("th", { scope: "row" }, subsidyLink(subsidy)),
      ...monthCells(subsidy),
    );
  return make(
    "table",
    { class: "year" },
    make("caption", null, `${calendar.year}年发放日历（“择日”是没有固定日子，名单审定后发）`),
    make("thead", null, make("tr", null, make("th", { scope: "col" }, "补贴项目"), ...heads)),
    make("tbody", null, ...calendar.subsidies.map(row)),
  );
}

/** The twelve months of a row: one cell for each, but one for a whole window. */
function monthCells(subsidy) {
  const cells = [];
  let month = 1;
  while (month <= 12) {
    const time = timeIn(subsidy, month);
    const span = time ? monthsOf(time).length : 1;
    cells.push(monthCell(time, month, span));
    month += span;
  }
  return cells;
}

function monthCell(time, month, span) {
  if (!time) {
    return make("td", { class: "none" }, make("span", { class: "unseen" }, "不发"));
  }
  const months = span === 1 ? `${month}月` : span === 12 ? "全年" : `${month}月至${month + span - 1}月`;
  const fixed = time.kind === "day";
  const words = fixed ? `${Number(time.from.slice(8))}日` : "择日";
  return make("td", { class: fixed ? "day" : "window", colspan: span, "data-month": months }, words);
}

run(page);
