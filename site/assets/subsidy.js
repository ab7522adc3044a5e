// One subsidy in plain language: who, how much, how often, when this year; its documents with their versions.

import { Trouble, read } from "./api.js";
import { CODE, REGION, YEAR, address, parameter } from "./address.js";
import { today } from "./clock.js";
import { documentList, sortVersions } from "./documents.js";
import { byId, facts, fill, link, make } from "./dom.js";
import { nextPaydays } from "./paydays.js";
import { PROVINCE, fullName, regionNames } from "./regions.js";
import { run, say, wait } from "./state.js";
import { howOften } from "./words.js";

const UNFILLED = "主管部门还没有填报，请打 12345 或问当地主管部门。";

const code = parameter("code", CODE);
const year = parameter("year", YEAR);
const region = parameter("region", REGION) || PROVINCE;

async function page() {
  if (!code) {
    throw new Trouble("missing", "网址里没有说是哪一项补贴，请回到“全部补贴”里点开一项。");
  }
  wait("正在取这项补贴的说明");
  byId("back").href = address("policies", { year, region: region === PROVINCE ? "" : region });
  const [card, policies, names] = await Promise.all([
    read(`subsidies/${code}`, { year }),
    read("policies", { year, region }),
    regionNames(),
  ]);
  const local = region === PROVINCE ? null : await localEntry(card.year);
  byId("title").textContent = card.name;
  document.title = `${card.name} · 补贴政策`;
  say("");
  fill(byId("content"), plain(card, local, fullName(names, region)), paper(policies, names), onward(card));
}

/** What the region itself wrote about this subsidy in its own list, if anything. */
async function localEntry(planYear) {
  try {
    const list = await read(`policy-lists/${planYear}/${region}`);
    return list.entries.find((entry) => entry.code === code) || null;
  } catch (trouble) {
    if (trouble.kind === "missing") {
      return null;
    }
    throw trouble;
  }
}

function plain(card, local, here) {
  return make(
    "div",
    { class: "sheet" },
    facts([
      ["谁能领", card.who || UNFILLED],
      ["领多少", card.how_much || UNFILLED],
      local && local.standard ? [`${here}领多少`, local.standard] : ["", ""],
      ["多久发一次", howOften(card.frequency)],
      ["接下来哪天发", [nextPaydays(card.payments, today(), card.year)]],
      ["怎么申请", card.procedure],
      ["政策依据", card.basis],
      ["主管部门", card.lead_departments.join("、")],
      ["咨询电话", (local && local.telephone) || card.telephone],
    ]),
  );
}

/** The documents: those in force today, and every other version below. */
function paper(policies, names) {
  const ours = policies.policies.find((policy) => policy.code === code);
  const { current, others } = sortVersions(ours ? ours.documents : [], today());
  return make(
    "section",
    null,
    make("h2", null, "政策文件"),
    region === PROVINCE
      ? make("p", null, "这里是全省的文件。", link(address("policies", { year }), "选市县"), "，还能看到本地的文件。")
      : make("p", null, `全省的，和${fullName(names, region)}的。`),
    make("h3", null, "现在有效"),
    documentList(current, "还没有上传现在有效的文件。"),
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
  return make(
    "section",
    null,
    make("h2", null, "接着看"),
    make(
      "ul",
      { class: "rows" },
      make("li", null, link("query.html", make("b", null, "我领了没有"), " ", make("small", null, "查本人的发放记录"))),
      make(
        "li",
        null,
        link(
          address("disclosure", { code, year: card.year, region }),
          make("b", null, "这项补贴的公示"),
          " ",
          make("small", null, "各地发了多少人、多少钱"),
        ),
      ),
      make("li", null, link("calendar.html", make("b", null, "发放日历"), " ", make("small", null, "全年哪天发哪项"))),
    ),
  );
}

run(page);
