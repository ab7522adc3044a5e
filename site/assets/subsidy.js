// One subsidy in plain language: who, how much, how often, when this year; its documents with their versions.

import { Trouble, read } from "./api.js";
import { CODE, REGION, YEAR, address, parameter } from "./address.js";
import { documentList } from "./documents.js";
import { byId, facts, fill, link, make, telephone } from "./dom.js";
import { nextPaydays } from "./paydays.js";
import { PROVINCE, allRegions, fullNames } from "./regions.js";
import { run, say, wait } from "./state.js";

const UNFILLED = "主管部门还没有填报，请打 12345 或问当地主管部门。";

const code = parameter("code", CODE);
const year = parameter("year", YEAR);
const region = parameter("region", REGION) || PROVINCE;

async function page() {
  if (!code) {
    throw new Trouble("missing", "网址里没有说是哪一项补贴，请到“全部补贴”里点开一项。");
  }
  wait("正在取这项补贴的说明");
  byId("back").href = address("policies", { year, region: region === PROVINCE ? "" : region });
  const [card, policies, regions] = await Promise.all([
    read(`subsidies/${code}`, { year, region }),
    read("policies", { year, region }),
    allRegions(),
  ]);
  const names = fullNames(regions);
  byId("title").textContent = card.name;
  document.title = `${card.name} · 补贴政策`;
  say("");
  fill(byId("content"), plain(card, policies.as_of, names), papers(policies, names), onward(card));
}

/** `today` is the API's: paydays are told from the day its documents are judged by. */
function plain(card, today, names) {
  return make(
    "div",
    { class: "sheet" },
    facts([
      ["谁能领", card.who || UNFILLED],
      ["领多少", card.how_much || UNFILLED],
      ["多久发一次", card.how_often],
      ["发哪几个月的", card.months_paid_for],
      ["今年什么时候发", [card.when_paid, card.when_missed ? make("p", null, card.when_missed) : null]],
      ["接下来哪天发", nextPaydays(card.payments, today, card.year)],
      ["怎么申请", card.procedure],
      ["政策依据", card.basis],
      ["主管部门", card.lead_departments.join("、")],
      ["咨询电话", telephone(card.telephone)],
    ]),
    card.filled_in_by
      ? make("p", { class: "hint" }, `谁能领、领多少等出自${names[card.filled_in_by]}的${card.year}年补贴政策清单。`)
      : null,
  );
}

/** The documents: those in force today, and every other version below. */
function papers(policies, names) {
  const ours = policies.policies.find((policy) => policy.code === code);
  const versions = ours ? ours.documents : [];
  const others = versions.filter((version) => !version.in_force);
  const choose = link(address("policies", { year }), "选了市县");
  return make(
    "section",
    null,
    make("h2", null, "政策文件"),
    region === PROVINCE
      ? make("p", null, "这里是全省的文件；", choose, "，还能看到当地的标准和文件。")
      : make("p", null, `这里有全省的文件，也有${names[region]}的。`),
    documentList(
      versions.filter((version) => version.in_force),
      "现在有效的文件还没有上传。",
    ),
    others.length
      ? make(
          "details",
          null,
          make("summary", null, `以前的和还没到日子的版本（${others.length}份）`),
          documentList(others, ""),
        )
      : null,
  );
}

function onward(card) {
  const row = (href, title, words) =>
    make("li", null, link(href, make("b", null, title), " ", make("small", null, words)));
  return make(
    "section",
    null,
    make("h2", null, "接着看"),
    make(
      "ul",
      { class: "rows" },
      row("query.html", "我领了没有", "查本人的发放记录"),
      row(address("disclosure", { code, year: card.year, region }), "这项补贴的公示", "各地发了多少人、多少钱"),
      row("calendar.html", "发放日历", "全年哪天发哪项"),
    ),
  );
}

run(page);
