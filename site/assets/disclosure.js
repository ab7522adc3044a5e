// 发放公示: what was paid, by region, subsidy and period; names masked, small groups merged, as published.

import { read } from "./api.js";
import { CODE, REGION, SLOT, YEAR, address, parameter } from "./address.js";
import { byId, facts, fill, link, make, table } from "./dom.js";
import { paged } from "./pages.js";
import { PROVINCE, fullName, offerRegions, regionNames } from "./regions.js";
import { run, say, wait } from "./state.js";
import { count, day, slot, yuan } from "./words.js";

const year = parameter("year", YEAR);
const region = parameter("region", REGION) || PROVINCE;
const code = parameter("code", CODE);
const wanted = parameter("slot", SLOT);

async function page() {
  wait("正在取公示");
  const [plan, names] = await Promise.all([read("plan", { year }), regionNames()]);
  offerRegions(names, region);
  plan.subsidies.forEach((subsidy) => {
    byId("code").appendChild(make("option", { value: subsidy.code }, subsidy.name));
  });
  byId("code").value = code;
  byId("filter").hidden = false;
  if (code && wanted) {
    await drawCell(names);
  } else {
    await drawIndex(names);
  }
}

/** Which lists and sums there are. */
async function drawIndex(names) {
  const index = await read("disclosure", { year, code, region });
  const here = fullName(names, region);
  if (!index.cells.length) {
    say("");
    fill(byId("content"), noCells(here));
    return;
  }
  say(`${here}有${count(index.cells.length)}张公示表，截至${day(index.as_of)}。`);
  const rows = index.cells.map((cell) => [
    link(address("disclosure", { year: index.plan_year, region: cell.region, code: cell.code, slot: cell.slot.replace("#", "_") }), cell.subsidy),
    slot(cell.slot),
    cell.region_name,
    `${count(cell.people)}人`,
    yuan(cell.amount_fen),
    cell.kind === "list" ? "名单（已遮名）" : "只有合计",
  ]);
  const columns = [
    { title: "补贴项目" },
    { title: "发的是" },
    { title: "地区" },
    { title: "人数", amount: true },
    { title: "金额", amount: true },
    { title: "公开方式" },
  ];
  fill(byId("content"), paged(rows, (some) => table(`${here}的公示表`, columns, some)));
}

function noCells(here) {
  return make(
    "div",
    { class: "notice" },
    make("p", null, make("b", null, `${here}没有符合条件的公示。`)),
    make("p", null, "可能还没有发放，或者人数不到5人，已经并到上一级公示。请换上一级地区，或者选“全部项目”再看。"),
  );
}

/** One list or sum. */
async function drawCell(names) {
  const cell = await read(`disclosure/${code}/${wanted.replace("#", "_")}/${region}`);
  say("");
  const back = address("disclosure", { year, region, code });
  fill(
    byId("content"),
    make("p", null, link(back, "← 这项补贴的其他公示表")),
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
  return make(
    "p",
    { class: "notice" },
    `这张表里还有${cell.merged.map((each) => fullName(names, each)).join("、")}的人：那里领到的不到5人，单独公示会被认出来，所以并在这里。`,
  );
}

function aggregate() {
  return make("p", { class: "notice" }, "这项补贴的名称会透露个人情况，只公开合计，不公开名单。");
}

function people(cell) {
  const columns = [{ title: "姓名" }, { title: "金额", amount: true }, { title: "到账日期" }];
  const rows = cell.rows.map((row) => [row.name, yuan(row.amount_fen), day(row.paid_on)]);
  return paged(rows, (some) => table("名单（名字只留第一个字）", columns, some));
}

run(page);
