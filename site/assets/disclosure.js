// 发放公示: what was paid, by region, subsidy and period; names masked, small groups merged, as published.

import { read } from "./api.js";
import { CODE, NUMBER, REGION, SLOT, YEAR, address, parameter } from "./address.js";
import { byId, facts, fill, link, make, table } from "./dom.js";
import { paged } from "./pages.js";
import { PROVINCE, allRegions, fullNames, offerRegions } from "./regions.js";
import { run, say, wait } from "./state.js";
import { count, day, slot, yuan } from "./words.js";

const year = parameter("year", YEAR);
const region = parameter("region", REGION) || PROVINCE;
const code = parameter("code", CODE);
const period = parameter("slot", SLOT);
const part = Number(parameter("part", NUMBER) || 1);

const CELL_COLUMNS = [
  { title: "补贴项目" },
  { title: "发的是", kind: "short" },
  { title: "地区" },
  { title: "人数", kind: "amount" },
  { title: "金额", kind: "amount" },
  { title: "公开方式" },
];
const PEOPLE_COLUMNS = [{ title: "姓名" }, { title: "金额", kind: "amount" }, { title: "到账日期" }];

async function page() {
  wait("正在取公示");
  const [plan, regions] = await Promise.all([read("plan", { year }), allRegions()]);
  const names = fullNames(regions);
  offerRegions(regions, region);
  plan.subsidies.forEach((subsidy) => {
    byId("code").appendChild(make("option", { value: subsidy.code }, subsidy.name));
  });
  byId("code").value = code;
  byId("filter").hidden = false;
  if (code && period) {
    await drawCell(names);
  } else if (code) {
    await drawCells(names);
  } else {
    await drawSubsidies();
  }
}

/** Which subsidies there is anything of. */
async function drawSubsidies() {
  const index = await read("disclosure", { year });
  if (!index.subsidies.length) {
    say("还没有公示。补贴发放到位以后，第二天在这里公布。");
    return;
  }
  say(`有公示的补贴${index.subsidies.length}项，截至${day(index.as_of)}。请选一项。`);
  const row = (subsidy) =>
    make(
      "li",
      null,
      link(
        address("disclosure", { year: index.plan_year, region, code: subsidy.code }),
        make("b", null, subsidy.subsidy),
        " ",
        make("small", null, `${subsidy.kind === "list" ? "名单" : "只有合计"}，全省${count(subsidy.cells)}张表`),
      ),
    );
  fill(byId("content"), make("ul", { class: "rows" }, ...index.subsidies.map(row)));
}

/** Which lists and sums of a subsidy there are, the latest period first. */
async function drawCells(names) {
  const here = names[region] || "这个地区";
  const index = await read("disclosure", { year, code, region });
  if (!index.cells.length) {
    say("");
    fill(byId("content"), noCells(here, names));
    return;
  }
  say(`${here}有${count(index.cells.length)}张公示表，截至${day(index.as_of)}。`);
  const rows = index.cells
    .sort((one, other) => (one.slot > other.slot ? -1 : one.slot < other.slot ? 1 : 0))
    .map((cell) => [
      link(cellAddress(cell, index.plan_year), cell.subsidy),
      slot(cell.slot),
      cell.region_name,
      `${count(cell.people)}人`,
      yuan(cell.amount_fen),
      cell.kind === "list" ? "名单（已遮名）" : "只有合计",
    ]);
  fill(byId("content"), paged(rows, (some) => table("cards", `${here}的公示表`, CELL_COLUMNS, some)));
}

function cellAddress(cell, planYear) {
  const path = { year: planYear, region: cell.region, code: cell.code, slot: cell.slot.replace("#", "_") };
  return address("disclosure", path);
}

/** Where it may stand instead: with the rest of its city, or of the province. */
function noCells(here, names) {
  const above = [`${region.slice(0, 4)}00`, PROVINCE].filter((each) => each !== region && names[each]);
  return make(
    "div",
    { class: "notice" },
    make("p", null, make("b", null, `${here}没有符合条件的公示。`)),
    make("p", null, "可能还没有发放，或者人数不到5人，已经并到上一级公示。"),
    make(
      "ul",
      null,
      ...above.map((each) =>
        make("li", null, link(address("disclosure", { year, region: each, code }), `看${names[each]}的公示`)),
      ),
    ),
  );
}

/** One list or sum. A very long list comes in parts. */
async function drawCell(names) {
  const cell = await read(`disclosure/${code}/${period}/${region}`, { year, part });
  say("");
  fill(
    byId("content"),
    make("p", { class: "back" }, link(address("disclosure", { year, region, code }), "← 这项补贴的其他公示表")),
    make("h2", null, `${cell.subsidy}　${slot(cell.slot)}`),
    make(
      "div",
      { class: "sheet" },
      facts([
        ["地区", cell.region_name],
        ["到账人数", `${count(cell.people)}人`],
        ["到账金额", yuan(cell.amount_fen)],
        ["截至", day(cell.as_of)],
      ]),
    ),
    cell.merged.length ? merged(cell, names) : null,
    cell.kind === "list" ? people(cell) : aggregate(),
  );
}

function merged(cell, names) {
  const places = cell.merged.map((each) => names[each] || each).join("、");
  const words = `这张表把${places}的人合在一起：领到的不到5人的地方，单独公示会被认出来，所以和别处并成一张。`;
  return make("p", { class: "notice" }, words);
}

function aggregate() {
  return make("p", { class: "notice" }, "这项补贴的名称会透露个人情况，只公开合计，不公开名单。");
}

function people(cell) {
  const rows = cell.rows.map((row) => [row.name, yuan(row.amount_fen), day(row.paid_on)]);
  return make(
    "div",
    null,
    paged(rows, (some) => table("slim", "名单（名字只留第一个字）", PEOPLE_COLUMNS, some)),
    cell.parts > 1 ? parts(cell) : null,
  );
}

function parts(cell) {
  const one = (number) =>
    make(
      "li",
      null,
      number === cell.part
        ? make("div", { "aria-current": "true" }, `第${number}部分（正在看）`)
        : link(address("disclosure", { year, region, code, slot: period, part: number }), `第${number}部分`),
    );
  return make(
    "nav",
    { "aria-label": "名单的各部分" },
    make("p", null, `名单很长，分${cell.parts}部分：`),
    make("ul", { class: "rows" }, ...Array.from({ length: cell.parts }, (nothing, index) => one(index + 1))),
  );
}

run(page);
