// 补贴政策: all subsidies by department, found by name, with a county's own beside them.

import { read } from "./api.js";
import { REGION, WORDS, YEAR, address, parameter } from "./address.js";
import { byId, facts, fill, link, make, telephone } from "./dom.js";
import { find } from "./everyday-names.js";
import { PROVINCE, allRegions, fullNames, offerRegions } from "./regions.js";
import { run, say, wait } from "./state.js";

const year = parameter("year", YEAR);
const region = parameter("region", REGION) || PROVINCE;

async function page() {
  wait("正在取补贴项目");
  const [plan, regions] = await Promise.all([read("plan", { year }), allRegions()]);
  const search = byId("q");
  search.value = parameter("q", WORDS);
  offerRegions(regions, region);
  byId("filter").hidden = false;

  const byName = new Map(plan.subsidies.map((subsidy) => [subsidy.name, subsidy]));
  const draw = () => {
    const { found, near } = find([...byName.keys()], search.value);
    fill(byId("list"), ...byDepartment((found.length ? found : near).map((name) => byName.get(name))));
    say(howMany(found.length, near.length, plan));
  };
  draw();
  // Found while typing; the button is for the county, and for whoever presses Enter.
  search.addEventListener("input", draw);
  await drawLists(plan.year, fullNames(regions)[region] || "全省");
}

function howMany(found, near, plan) {
  if (found === plan.subsidies.length) {
    return `${plan.year}年全省共${found}项补贴。`;
  }
  if (found) {
    return `找到${found}项。`;
  }
  if (near) {
    return "没有叫这个名字的补贴。您是不是要找：";
  }
  const own = region === PROVINCE ? "有的补贴是县里自己的，请选上您的县（市、区）再看。" : "";
  return `没有找到，全省的计划里可能没有这项补贴。${own}请换个叫法，或者清空名称看全部。`;
}

function byDepartment(subsidies) {
  const departments = [];
  subsidies.forEach((subsidy) => {
    // One that two departments lead stands under the first and names both.
    const lead = subsidy.lead_departments[0];
    const group = departments.find((each) => each.lead === lead);
    if (group) {
      group.subsidies.push(subsidy);
    } else {
      departments.push({ lead, subsidies: [subsidy] });
    }
  });
  return departments.map((group) =>
    make(
      "section",
      null,
      make("h2", null, `${group.lead}（${group.subsidies.length}项）`),
      make("ul", { class: "rows two" }, ...group.subsidies.map((subsidy) => make("li", null, subsidyLink(subsidy)))),
    ),
  );
}

function subsidyLink(subsidy) {
  const others = subsidy.lead_departments.slice(1);
  const more = others.length ? `　和${others.join("、")}一起` : "";
  return link(
    address("subsidy", { code: subsidy.code, year, region: region === PROVINCE ? "" : region }),
    make("b", null, subsidy.name),
    " ",
    make("small", null, `${howOften(subsidy.frequency)}${more}`),
  );
}

/** The plan's 1次/月 as people say it. */
function howOften(frequency) {
  const [times, unit] = frequency.split("/");
  return `每${unit}${times}`;
}

/** The region's list as collected: a county's own subsidies, who has not filled in, and the workbook to keep. */
async function drawLists(planYear, here) {
  const list = await read(`policy-lists/${planYear}/${region}`).catch((trouble) => {
    if (trouble.kind === "missing") {
      return null;
    }
    throw trouble;
  });
  if (region !== PROVINCE) {
    const own = list ? list.entries.filter((entry) => entry.number === null) : [];
    fill(
      byId("own"),
      make(
        "section",
        null,
        make("h2", null, `${here}自己的补贴`),
        own.length
          ? make("ul", { class: "rows" }, ...own.map((entry) => make("li", null, ownEntry(entry))))
          : make("p", null, "没有登记本地另设的补贴。下面是全省的补贴，点开能看到本地的标准和文件。"),
      ),
    );
  }
  if (list) {
    fill(byId("missing"), collected(list, here, planYear));
  }
}

function ownEntry(entry) {
  return make(
    "div",
    null,
    make("b", null, entry.name),
    facts([
      ["谁能领", entry.beneficiaries],
      ["领多少", entry.standard],
      ["怎么申请", entry.procedure],
      ["依据", entry.basis],
      ["主管部门", entry.department],
      ["咨询电话", telephone(entry.telephone)],
      ["备注", entry.remark],
    ]),
  );
}

function collected(list, here, planYear) {
  const missing = list.missing.map((each) => make("li", null, `${each.department}：还有${each.subsidies.length}项没有填报`));
  return make(
    "section",
    null,
    make("h2", null, `${here}补贴政策清单`),
    make(
      "p",
      null,
      link(`published/policy-lists/${planYear}/${region}.xlsx`, `下载${planYear}年清单（XLSX 表格）`),
    ),
    missing.length ? make("ul", null, ...missing) : make("p", null, "各部门都已填报。"),
  );
}

run(page);
