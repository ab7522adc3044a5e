// 补贴政策 and the way to both columns: what a villager finds, and in how many steps.

import assert from "node:assert/strict";
import { PHONE, shown } from "../visit.mjs";
import { story } from "../telling.mjs";

// What the public API itself answers, asked from outside the browser.
const asked = async (facts, path) => (await fetch(`${facts.address}/public/v1/${path}`)).json();

const list = (visit) => visit.page.locator("#list");

story("from the front page a villager is at a subsidy's policy in two steps", async (visit, facts) => {
  const { subsidies } = await asked(facts, "plan?year=2023");
  await visit.open("/", { viewport: PHONE });
  await visit.page.locator('main a[href="policies.html"]').click();
  await visit.settled();
  await list(visit).getByRole("link", { name: subsidies[38].name }).click();
  await visit.settled();
  assert.equal(await shown(visit.page.getByRole("heading", { level: 1 })), subsidies[38].name);
  for (const question of ["谁能领", "领多少", "多久发一次", "哪天发"]) {
    assert.ok(await visit.page.getByText(question).first().isVisible(), question);
  }
});

story("and at their own payments in two steps", async (visit, facts) => {
  await visit.open("/", { viewport: PHONE });
  await visit.page.locator('main a[href="query.html"]').first().click();
  await visit.settled();
  await visit.page.getByLabel("姓名").fill(facts.people.paid.name);
  await visit.page.getByLabel("身份证号").fill(facts.people.paid.id_number);
  await visit.page.getByRole("button", { name: "查询", exact: true }).click();
  await visit.page.getByText(facts.people.paid.records[0].status).first().waitFor();
});

story("all the plan's subsidies stand under the departments that lead them", async (visit, facts) => {
  const { subsidies } = await asked(facts, "plan?year=2023");
  await visit.open("/policies.html");
  const told = await list(visit).evaluate((node) =>
    Object.fromEntries(
      [...node.querySelectorAll("section")].map((section) => [
        section.querySelector("h2").textContent,
        [...section.querySelectorAll("a b")].map((name) => name.textContent),
      ]),
    ),
  );
  const wanted = {};
  for (const { lead_departments: [lead], name } of subsidies) (wanted[lead] ??= []).push(name);
  assert.equal(subsidies.length, 45);
  assert.deepEqual(told, Object.fromEntries(Object.entries(wanted).map(([lead, names]) => [`${lead}（${names.length}项）`, names])));
});

story("a subsidy is found by a part of its name and by what people call it", async (visit) => {
  await visit.open("/policies.html");
  const found = async (words) => {
    await visit.page.getByLabel("补贴名称").fill(words);
    return (await list(visit).locator("a b").allInnerTexts()).sort();
  };
  assert.deepEqual(await found("玉米"), ["玉米生产者补贴"]);
  assert.deepEqual(await found("苞米"), ["玉米生产者补贴"]);
  assert.ok((await found("低保")).includes("城市最低生活保障金"));
  assert.deepEqual(await found("大豆补帖"), ["大豆生产者补贴"]);
  assert.deepEqual(await found("玉米种植补贴"), ["玉米生产者补贴"]);
  assert.match(await shown(visit.page.getByRole("status")), /您是不是要找/);
  assert.deepEqual(await found("没有这一项"), []);
  assert.match(await shown(visit.page.getByRole("status")), /没有找到/);
  await visit.page.getByLabel("补贴名称").fill("");
  assert.equal(await list(visit).locator("a b").count(), 45);
});

story("a name asked for on the front page is looked for among the policies", async (visit) => {
  await visit.open("/");
  await visit.page.getByRole("searchbox").fill("稻谷");
  await visit.page.keyboard.press("Enter");
  await visit.page.waitForURL("**/policies.html?*");
  await visit.settled();
  assert.deepEqual(await list(visit).locator("a b").allInnerTexts(), ["稻谷生产者补贴"]);
});

story("a subsidy's card says who, how much, how often and when, and holds its documents in every version", async (visit, facts) => {
  const { code, name, entry, documents } = facts.policy;
  const { how_often, when_paid } = await asked(facts, `subsidies/${code}?year=2023`);
  await visit.open(`/subsidy.html?code=${code}`);
  const text = await shown(visit.page.getByRole("main"));
  for (const words of [name, entry.beneficiaries, entry.standard, entry.telephone, how_often, when_paid]) assert.ok(text.includes(words), `${words} in ${text}`);
  await visit.page.locator("main summary").filter({ hasText: "版本" }).click();
  for (const { title, href } of documents) {
    const link = visit.page.locator(`a[href="${href}"]`);
    assert.equal(await shown(link), title);
    const answer = await fetch(visit.address(href));
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type"), href.endsWith(".pdf") ? /^application\/pdf/ : /^text\/html/);
  }
  assert.ok(documents.length >= 3);
  await visit.checkAccessible("with every version shown");
});

story("what stands under a payment is the policy that was in force on its slot", async (visit, facts) => {
  const may = facts.policy.documents.filter((each) => each.valid_from <= "2023-05-31" && (each.valid_to ?? "9999") >= "2023-05-01");
  await visit.open("/query.html");
  await visit.page.getByLabel("姓名").fill(facts.people.paid.name);
  await visit.page.getByLabel("身份证号").fill(facts.people.paid.id_number);
  await visit.page.keyboard.press("Enter");
  await visit.settled();
  const payment = visit.page.getByRole("row").filter({ hasText: "2023年5月" });
  await payment.getByText("依据的政策").click();
  await payment.getByRole("link").first().waitFor();
  const links = await payment.getByRole("link").evaluateAll((each) => each.map((link) => link.getAttribute("href")));
  assert.deepEqual(links.sort(), may.map((each) => each.href).sort());
  assert.equal(links.length, 2);
});

story("a county's people see its own subsidies beside the province's", async (visit, facts) => {
  const { city, county, own } = facts.policy;
  await visit.open("/policies.html");
  await visit.page.getByLabel("市（地）").selectOption(city);
  await visit.page.getByLabel("县（市、区）").selectOption(county);
  await visit.page.getByRole("button", { name: "查找" }).click();
  await visit.page.waitForURL(`**/policies.html?*${county}*`);
  await visit.settled();
  const text = await shown(visit.page.locator("#own"));
  for (const words of [own.name, own.standard]) assert.ok(text.includes(words), `${words} in ${text}`);
  assert.equal(await list(visit).locator("a b").count(), 45);
});

story("the list for the government website is there to keep, and names who has not filled in", async (visit, facts) => {
  await visit.open("/policies.html");
  const section = visit.page.locator("#missing");
  assert.ok((await shown(section)).includes(facts.policy.missing), "the department that owes its part");
  const href = await section.getByRole("link", { name: /XLSX/ }).getAttribute("href");
  const answer = await fetch(visit.address(href));
  assert.equal(answer.status, 200);
  assert.equal(Buffer.from(await answer.arrayBuffer()).subarray(0, 2).toString(), "PK");
});

story("the calendar tells month by month, and as a table of the year, which subsidy is paid when", async (visit, facts) => {
  const { subsidies } = await asked(facts, "calendar?year=2023");
  const monthly = subsidies.find((subsidy) => subsidy.payments.some((time) => time.kind === "day"));
  const time = monthly.payments.find((each) => each.kind === "day");
  const [month, day] = time.from.split("-").slice(1).map(Number);
  await visit.open("/calendar.html");
  await visit.page.getByRole("link", { name: `${month}月`, exact: true }).click();
  const section = visit.page.getByRole("region", { name: `${month}月`, exact: true });
  const text = await shown(section);
  assert.ok(text.includes(`${month}月${day}日`) && text.includes(monthly.name), text);
  await visit.page.getByRole("button", { name: "看全年表" }).click();
  const cell = visit.page.getByRole("row", { name: new RegExp(`^${monthly.name}`) }).getByRole("cell").nth(month - 1);
  assert.equal(await shown(cell), `${day}日`);
  assert.equal(await visit.page.getByRole("rowheader").count(), 45);
  await visit.checkAccessible("as a table");
});

story("a pay day that falls on a weekend is shown as the working day it moves to", async (visit, facts) => {
  const { subsidies } = await asked(facts, "calendar?year=2023");
  const days = subsidies.flatMap((subsidy) => subsidy.payments).filter((time) => time.kind === "day").map((time) => time.from);
  assert.ok(days.includes("2023-06-12"), "the 10th of June is a Saturday");
  await visit.open("/calendar.html");
  await visit.page.getByRole("link", { name: "6月", exact: true }).click();
  const text = await shown(visit.page.getByRole("region", { name: /^6月/ }));
  assert.ok(text.includes("6月12日") && !text.includes("6月10日"), text);
});

story("how to get, enable and activate a card is told, and by which bank", async (visit) => {
  await visit.open("/card.html", { viewport: PHONE });
  const text = await shown(visit.page.getByRole("main"));
  for (const words of ["启用", "激活", "挂失", "服务银行", "12333"]) assert.ok(text.includes(words), words);
  for (const link of await visit.page.getByRole("main").locator('a[href^="#"]').all()) {
    const target = await link.getAttribute("href");
    assert.equal(await visit.page.locator(target).count(), 1, target);
  }
});

story("every link of every page leads somewhere on the site", async (visit, facts) => {
  const seen = new Set();
  const todo = ["/"];
  while (todo.length) {
    await visit.open(todo.shift());
    for (const href of await visit.page.locator("a[href]").evaluateAll((links) => links.map((link) => link.href))) {
      const url = new URL(href);
      if (url.protocol === "tel:") continue;
      assert.equal(url.origin, new URL(facts.address).origin, href);
      const place = url.pathname + (url.pathname.endsWith("subsidy.html") ? "" : url.search);
      if (seen.has(place)) continue;
      seen.add(place);
      assert.equal((await fetch(url)).status, 200, href);
      // Of the many cards and lists, one of each is opened.
      if (url.pathname.endsWith(".html") && todo.length + seen.size < 12) todo.push(url.pathname + url.search);
    }
  }
  assert.ok(seen.size >= 7, [...seen].join(" "));
});

story("what is not there says so, in words and with a way on", async (visit) => {
  visit.forgive("status of 404");
  const page = await visit.open("/no-such-page.html");
  assert.match(await shown(page.getByRole("main")), /没有|找不到/);
  assert.ok(await page.getByRole("main").getByRole("link").count(), "a way on");
  await visit.checkAccessible();
  await visit.open("/subsidy.html?code=no-such-subsidy");
  assert.match(await shown(page.getByRole("alert")), /没有/);
});
