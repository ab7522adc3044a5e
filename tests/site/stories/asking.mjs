// 补贴查询: one's own payments, and nobody else's.

import assert from "node:assert/strict";
import { PHONE, SMALL_PHONE, shown } from "../visit.mjs";
import { story } from "../telling.mjs";

const NOBODY = { name: "查无此人", id_number: "230102196304054517" };

async function ask(visit, { name, id_number }) {
  await visit.page.getByLabel("姓名").fill(name);
  await visit.page.getByLabel("身份证号").fill(id_number);
  await visit.page.getByRole("button", { name: "查询", exact: true }).click();
  await visit.settled();
}

const yuan = (fen) => `${(fen / 100).toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ",")}元`;
const results = (visit) => visit.page.getByRole("region", { name: "查询结果" });

// Everything the page says below the form, whichever of its places it says it in.
const answer = async (visit) => shown(visit.page.locator("#state, #trouble, #results"));

story("a person sees each of their payments and the sum of the year", async (visit, facts) => {
  const { records } = facts.people.paid;
  await visit.open("/query.html");
  await ask(visit, facts.people.paid);
  const text = await shown(results(visit));
  assert.equal(records.length, 2);
  for (const record of records) {
    for (const words of [record.subsidy, record.status, yuan(record.amount_fen)]) assert.ok(text.includes(words), `${words} in ${text}`);
  }
  assert.ok(text.includes("2023年6月") && text.includes("2023年5月"), text);
  assert.ok(text.includes(yuan(records.reduce((sum, record) => sum + record.amount_fen, 0))), text);
});

story("what the bank refused, what came back and what waits on a card is said in words, with what to do", async (visit, facts) => {
  const words = { rejected: "到服务银行办理", returned: "到服务银行办理", inactive: "卡未激活，钱已入账，激活后可用" };
  for (const [role, advice] of Object.entries(words)) {
    const [record] = facts.people[role].records;
    await visit.open("/query.html");
    await ask(visit, facts.people[role]);
    const text = await shown(results(visit));
    assert.ok(record.status.includes(advice), record.status);
    assert.ok(text.includes(record.status), `${record.status} in ${text}`);
    assert.ok(!text.includes("SETTLED") && !text.includes("REJECTED") && !text.includes("RETURNED"), text);
  }
});

story("money that did not arrive is in no year's sum", async (visit, facts) => {
  const [record] = facts.people.rejected.records;
  await visit.open("/query.html");
  await ask(visit, facts.people.rejected);
  const text = await shown(results(visit));
  // The amount stands once, beside its payment; a sum of it would be a promise.
  assert.equal(text.split(yuan(record.amount_fen)).length - 1, 1, text);
});

story("a wrong name and a person nobody knows get the same answer", async (visit, facts) => {
  const answers = [];
  for (const asked of [{ ...facts.people.paid, name: NOBODY.name }, { ...NOBODY, id_number: facts.stranger.id_number }, facts.stranger]) {
    await visit.open("/query.html");
    const told = visit.page.waitForResponse((response) => response.url().endsWith("/v1/query"));
    await ask(visit, asked);
    const response = await told;
    const body = { ...(await response.json()), correlation_id: "" };
    answers.push(JSON.stringify([response.status(), body, await answer(visit)]));
  }
  assert.equal(new Set(answers).size, 1, answers.join("\n"));
  assert.match(answers[0], /没有查到|查不到|没有找到/);
});

story("a slip of the finger is told before anything is sent", async (visit, facts) => {
  const { name, id_number } = facts.people.paid;
  const slipped = id_number.slice(0, -2) + ((Number(id_number.at(-2)) + 1) % 10) + id_number.at(-1);
  await visit.open("/query.html");
  await ask(visit, { name, id_number: slipped });
  assert.deepEqual(posts(visit), []);
  const field = visit.page.getByLabel("身份证号");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.ok(await field.evaluate((input) => input === document.activeElement), "the field to correct has the focus");
  await visit.checkAccessible("with a slip told");
  await ask(visit, { name: "", id_number });
  assert.deepEqual(posts(visit), []);
  assert.equal(await visit.page.getByLabel("姓名").getAttribute("aria-invalid"), "true");
});

const posts = (visit) => visit.requests().filter((request) => request.method() === "POST").map((request) => request.url());

story("the whole query is done without a mouse, and the reader is led to the answer", async (visit, facts) => {
  const page = await visit.open("/query.html");
  await visit.tabTo(page.getByLabel("姓名"));
  await page.keyboard.type(facts.people.paid.name);
  await visit.tabTo(page.getByLabel("身份证号"));
  await page.keyboard.type(facts.people.paid.id_number);
  await page.keyboard.press("Enter");
  await visit.settled();
  assert.match(await shown(results(visit)), /已发放到社保卡/);
  assert.ok(
    await page.evaluate(() => document.activeElement.closest("#results, [role=status], [role=alert]")),
    "the focus is with the answer",
  );
  await visit.tabTo(page.getByRole("button", { name: "清掉结果" }));
  await page.keyboard.press("Enter");
  await nothingIsLeft(visit, facts.people.paid);
});

async function nothingIsLeft(visit, person) {
  await results(visit).waitFor({ state: "hidden" });
  const text = await visit.page.evaluate(() => document.documentElement.outerHTML);
  for (const record of person.records) assert.ok(!text.includes(record.status), "a record is still in the page");
  for (const label of ["姓名", "身份证号"]) assert.equal(await visit.page.getByLabel(label).inputValue(), "");
  assert.ok(!text.includes(person.name) && !text.includes(person.id_number));
}

story("after leaving, the back button shows no record and an empty form", async (visit, facts) => {
  await visit.open("/query.html");
  await ask(visit, facts.people.paid);
  await results(visit).waitFor();
  await visit.page.evaluate(() => addEventListener("pageshow", (event) => (window.thawed = event.persisted)));
  await visit.page.getByRole("navigation", { name: "栏目" }).getByRole("link", { name: "补贴政策" }).click();
  await visit.page.waitForURL("**/policies.html");
  await visit.settled();
  // A page that was kept whole is not loaded again, so there is no such event to wait for.
  await visit.page.goBack({ waitUntil: "commit" });
  await visit.page.waitForFunction(() => window.thawed);
  await nothingIsLeft(visit, facts.people.paid);
});

story("records do not stay on a screen somebody walked away from", async (visit, facts) => {
  await visit.arrive();
  await visit.page.clock.install({ time: facts.now });
  await visit.open("/query.html");
  await ask(visit, facts.people.paid);
  await results(visit).waitFor();
  await visit.page.clock.fastForward("04:30");
  await visit.page.getByRole("button", { name: "继续看" }).click();
  assert.match(await shown(results(visit)), /已发放到社保卡/);
  await visit.page.clock.fastForward("04:30");
  await visit.page.getByRole("button", { name: "继续看" }).waitFor();
  await visit.checkAccessible("with the question whether somebody is there");
  await visit.page.clock.fastForward("02:00");
  await nothingIsLeft(visit, facts.people.paid);
});

story("the print view holds the records and none of the buttons", async (visit, facts) => {
  await visit.arrive();
  await visit.page.addInitScript(() => {
    window.print = () => document.documentElement.setAttribute("data-printed", "");
  });
  await visit.open("/query.html");
  await ask(visit, facts.people.paid);
  await visit.page.getByRole("button", { name: "打印" }).click();
  assert.ok(await visit.page.evaluate(() => document.documentElement.hasAttribute("data-printed")));
  await visit.page.emulateMedia({ media: "print" });
  for (const record of facts.people.paid.records) assert.ok((await shown(results(visit))).includes(record.status));
  for (const role of ["button", "navigation", "textbox"]) assert.equal(await visit.page.getByRole(role).count(), 0, `a ${role} is printed`);
});

story("an answer about a person may be kept by nobody, and none is asked for in an address", async (visit, facts) => {
  await visit.open("/query.html");
  const told = visit.page.waitForResponse((response) => response.url().endsWith("/v1/query"));
  await ask(visit, facts.people.paid);
  const response = await told;
  assert.equal(response.request().method(), "POST");
  assert.match(response.headers()["cache-control"], /no-store/);
  const field = visit.page.getByLabel("身份证号");
  assert.equal(await field.getAttribute("autocomplete"), "off");
});

story("when the system is away or broken, the page says so in words and offers another try", async (visit, facts) => {
  visit.forgive("Failed to load resource");
  await visit.open("/query.html");
  let answerWith = (route) => route.abort("connectionrefused");
  await visit.page.route("**/v1/query", (route) => answerWith(route));
  await ask(visit, facts.people.paid);
  assert.match(await shown(visit.page.getByRole("alert")), /网络连不上/);
  await visit.checkAccessible("offline");
  answerWith = (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" });
  await ask(visit, facts.people.paid);
  assert.match(await shown(visit.page.getByRole("alert")), /系统正忙或出了故障/);
  answerWith = (route) => route.continue();
  await visit.page.getByRole("button", { name: "再试一次" }).click();
  await visit.settled();
  assert.match(await shown(results(visit)), /已发放到社保卡/);
});

story("the query fits a phone, before and after the answer, and every finger finds its button", async (visit, facts) => {
  await visit.open("/query.html", { viewport: PHONE, hasTouch: true, isMobile: true });
  await visit.checkFits();
  await ask(visit, facts.people.paid);
  await visit.checkFits();
  const small = await visit.page.evaluate(() =>
    [...document.querySelectorAll("main button, main input, main select")]
      .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 44)
      .map((each) => each.outerHTML),
  );
  assert.deepEqual(small, [], "lower than 44 pixels");
});

story("all 18 digits of an id number are seen in their field, on a small phone and in large print", async (visit, facts) => {
  for (const viewport of [PHONE, SMALL_PHONE]) {
    const page = await visit.open("/query.html", { viewport });
    await page.getByRole("button", { name: "大字版" }).click();
    const field = page.getByLabel("身份证号");
    await field.fill("230102199001011234");
    const [wide, seen] = await field.evaluate((input) => [input.scrollWidth, input.clientWidth]);
    assert.ok(wide <= seen, `${wide} pixels of digits in a field of ${seen}, on a screen of ${viewport.width}`);
    await visit.leave();
  }
});

// Questions from the same address, past the page.
async function alreadyAsked(facts, { name, id_number }, times) {
  for (let n = 0; n < times; n += 1) {
    const body = JSON.stringify({ name, id_number });
    await fetch(`${facts.address}/public/v1/query`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  }
}

// 三加四等于几？ → 7
function solved(question) {
  const [one, other] = question.match(/[零一二三四五六七八九]/g).map((digit) => "零一二三四五六七八九".indexOf(digit));
  return String(one + other);
}

story("whoever asks often is asked a small sum in words, may err, and then sees their payments", async (visit, facts) => {
  visit.forgive("status of 422");
  await alreadyAsked(facts, facts.people.paid, 5);
  const page = await visit.open("/query.html");
  await ask(visit, facts.people.paid);
  const field = page.getByLabel("请回答一个小问题");
  await field.waitFor();
  assert.ok(await field.evaluate((input) => input === document.activeElement), "the focus is on the question");
  assert.match(await shown(page.getByRole("status")), /请先回答/);
  await visit.checkAccessible("with a question");
  const question = page.locator("#answer-hint");
  const wrong = String(Number(solved(await shown(question))) + 1);
  await page.keyboard.type(wrong);
  await page.keyboard.press("Enter");
  await page.locator("#answer-wrong").filter({ hasText: /再|重新|不对/ }).waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await page.keyboard.type(solved(await shown(question)));
  await page.keyboard.press("Enter");
  await visit.settled();
  assert.match(await shown(results(visit)), /已发放到社保卡/);
  await field.waitFor({ state: "hidden" });
});

story("whoever asks far too often is told to wait, and for how long", async (visit, facts) => {
  visit.forgive("status of 429");
  await alreadyAsked(facts, facts.people.paid, 20);
  await visit.open("/query.html");
  await ask(visit, facts.people.paid);
  assert.match(await shown(visit.page.getByRole("alert")), /次数[太过]多.*请过\d+(分钟|小时)/);
  await visit.checkAccessible("over the limit");
});
