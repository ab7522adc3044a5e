// 发放公示: what anybody may see of everybody: masked lists, sums where a name tells too much, and merged cells.

import assert from "node:assert/strict";
import { shown } from "../visit.mjs";
import { story } from "../telling.mjs";

const yuan = (fen) => `${(fen / 100).toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ",")}元`;
const main = async (visit) => shown(visit.page.getByRole("main"));

async function openCell(visit, { code, subsidy, slot, region }) {
  await visit.open(`/disclosure.html?region=${region}&code=${code}`);
  const words = slot.replace(/^(\d+)-0?(\d+)$/, "$1年$2月");
  const row = visit.page.getByRole("row").filter({ hasText: subsidy }).filter({ hasText: words });
  await row.getByRole("link").first().click();
  await visit.settled();
}

story("a list shows surnames, sums and days, and nothing else about anybody", async (visit, facts) => {
  const { list } = facts.disclosure;
  await openCell(visit, list);
  const text = await main(visit);
  assert.ok(text.includes(`${list.people}人`) && text.includes(yuan(list.amount_fen)), text);
  const rows = await visit.page.getByRole("table").locator("tbody tr").all();
  const told = await Promise.all(rows.map(async (row) => (await row.locator("th, td").allInnerTexts()).join("|")));
  assert.equal(rows.length, Math.min(list.people, 50));
  for (const line of told) assert.match(line, /^.\*\|[\d,]+\.\d\d元\|2023年\d+月\d+日$/);
  for (const person of Object.values(facts.people)) {
    for (const fact of [person.name, person.id_number, person.account, person.account.slice(-4)]) assert.ok(!text.includes(fact), "a personal fact in a public list");
  }
});

story("what was returned or refused is on no list", async (visit, facts) => {
  const { list } = facts.disclosure;
  await openCell(visit, list);
  const text = await main(visit);
  for (const role of ["rejected", "returned"]) {
    assert.ok(!text.includes(yuan(facts.people[role].records[0].amount_fen)), role);
  }
  assert.ok(text.includes(yuan(facts.people.paid.records[0].amount_fen)));
});

story("of a subsidy whose name tells of illness or bereavement only sums are shown, and why", async (visit, facts) => {
  await openCell(visit, facts.disclosure.aggregate);
  const text = await main(visit);
  assert.ok(text.includes(`${facts.disclosure.aggregate.people}人`), text);
  assert.match(text, /只公开合计/);
  assert.equal(await visit.page.getByRole("table").count(), 0);
});

story("where few people were paid, their list is part of a larger one, which says so", async (visit, facts) => {
  const { merged } = facts.disclosure;
  await openCell(visit, merged);
  const note = await shown(visit.page.locator(".notice").filter({ hasText: "不到5人" }).first());
  for (const name of merged.merged_names) assert.ok(note.includes(name), `${name} in ${note}`);
  // And the few have no list of their own.
  for (const region of merged.merged) {
    await visit.open(`/disclosure.html?region=${region}&code=${merged.code}`);
    assert.match(await main(visit), /不到5人/);
    assert.equal(await visit.page.getByRole("table").count(), 0);
  }
});

story("lists are chosen by region and subsidy without a mouse", async (visit, facts) => {
  const { list } = facts.disclosure;
  const page = await visit.open("/disclosure.html");
  await chooseByKeys(visit, "市（地）", "哈尔滨市");
  await chooseByKeys(visit, "县（市、区）", "道里区");
  await chooseByKeys(visit, "补贴项目", list.subsidy);
  await visit.tabTo(page.getByRole("button", { name: "查看" }));
  await page.keyboard.press("Enter");
  await page.waitForURL("**/disclosure.html?*");
  await visit.settled();
  await visit.tabTo(page.getByRole("row").filter({ hasText: "2023年6月" }).getByRole("link").first());
  await page.keyboard.press("Enter");
  await page.waitForURL("**slot=*");
  await visit.settled();
  assert.ok((await main(visit)).includes(`${list.people}人`));
});

async function chooseByKeys(visit, label, wanted) {
  const field = visit.page.getByLabel(label);
  await visit.tabTo(field);
  const chosen = () => field.evaluate((select) => select.selectedOptions[0].text);
  for (let presses = 0; (await chosen()) !== wanted; presses += 1) {
    assert.ok(presses < 60, `${wanted} is not among ${label}`);
    await visit.page.keyboard.press("ArrowDown");
  }
}
