// Who reads with poor eyes, on a small telephone, by ear or without a mouse: every page, in every state.

import assert from "node:assert/strict";
import { DESKTOP, PAGES, PHONE, SMALL_PHONE, shown } from "../visit.mjs";
import { story } from "../telling.mjs";


// Every page with something in it.
const pages = (facts) => [
  "/",
  ...PAGES.filter((page) => !["index", "subsidy"].includes(page)).map((page) => `/${page}.html`),
  `/subsidy.html?code=${facts.policy.code}`,
  ...["list", "aggregate", "merged"].map((kind) => cellPath(facts.disclosure[kind])),
];

const cellPath = ({ code, region, slot }) => `/disclosure.html?region=${region}&code=${code}&slot=${slot}`;

// The device of somebody who chose large print on an earlier day.
const largePrint = ({ address }) => ({
  storageState: { origins: [{ origin: address, localStorage: [{ name: "large-print", value: "yes" }] }] },
});

// Everything that is wrong anywhere, told at once.
async function everywhere(visit, facts, device, check) {
  const faults = [];
  for (const path of pages(facts)) {
    await visit.open(path, device);
    await check(path).catch((error) => faults.push(error.message));
  }
  await visit.open("/query.html");
  await visit.page.getByLabel("姓名").fill(facts.people.inactive.name);
  await visit.page.getByLabel("身份证号").fill(facts.people.inactive.id_number);
  await visit.page.keyboard.press("Enter");
  await visit.page.getByRole("region", { name: "查询结果" }).waitFor();
  await visit.settled();
  await check("with records").catch((error) => faults.push(error.message));
  assert.deepEqual(faults, [], faults.join("\n\n"));
}

story("axe finds nothing wrong with any page", async (visit, facts) => {
  await everywhere(visit, facts, { viewport: DESKTOP }, (path) => visit.checkAccessible(path));
});

story("on a phone axe finds nothing wrong with any page, and none is wider than the screen", async (visit, facts) => {
  await everywhere(visit, facts, { viewport: PHONE, isMobile: true, hasTouch: true }, async (path) => {
    await visit.checkFits();
    await visit.checkAccessible(path);
  });
});

story("in large print on a small phone axe finds nothing wrong, and no page is wider than the screen", async (visit, facts) => {
  await everywhere(visit, facts, { viewport: SMALL_PHONE, ...largePrint(facts) }, async (path) => {
    assert.equal(await visit.page.getByRole("button", { name: "大字版" }).getAttribute("aria-pressed"), "true");
    await visit.checkFits();
    await visit.checkAccessible(path);
  });
});

story("at 200 % zoom nothing is lost and nothing needs scrolling sideways", async (visit, facts) => {
  await everywhere(visit, facts, { viewport: { width: DESKTOP.width / 2, height: DESKTOP.height / 2 }, deviceScaleFactor: 2 }, async () => {
    await visit.checkFits();
    const cut = await visit.page.evaluate(cutOff);
    assert.deepEqual(cut, [], `cut off on ${visit.page.url()}`);
  });
});

// Runs in the page: text that its box hides.
function cutOff() {
  return [...document.querySelectorAll("main *, header *")]
    .filter((each) => each.checkVisibility() && each.clientWidth > 1 && ["hidden", "clip"].includes(getComputedStyle(each).overflowX))
    .filter((each) => each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1)
    .map((each) => each.outerHTML.slice(0, 120));
}

story("large print is one button away, is larger, and is remembered on the next page and the next day", async (visit) => {
  const page = await visit.open("/", { viewport: PHONE });
  const size = () => page.locator("p").first().evaluate((text) => parseFloat(getComputedStyle(text).fontSize));
  const before = await size();
  const button = page.getByRole("button", { name: "大字版" });
  await button.click();
  assert.equal(await button.getAttribute("aria-pressed"), "true");
  assert.ok((await size()) >= before * 1.2, `${before} → ${await size()}`);
  await page.goto(visit.address("/query.html"));
  assert.equal(await button.getAttribute("aria-pressed"), "true");
  assert.ok((await page.getByLabel("姓名").evaluate((field) => parseFloat(getComputedStyle(field).fontSize))) >= before * 1.2);
  await button.click();
  await page.goto(visit.address("/"));
  assert.equal(await size(), before);
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
});

story("every control is reached with Tab, in the page's order, and is seen to have the focus", async (visit, facts) => {
  for (const path of pages(facts)) {
    const page = await visit.open(path);
    const wanted = await page.evaluate(tabStops);
    const reached = [];
    for (let stop = 0; stop < Math.min(wanted.length, 20); stop += 1) {
      await page.keyboard.press("Tab");
      await visit.checkFocusSeen();
      reached.push(await page.evaluate(() => document.activeElement.outerHTML));
    }
    assert.deepEqual(reached, wanted.slice(0, 20), path);
  }
});

// Runs in the page: what Tab should come to, in the order of the document.
function tabStops() {
  return [...document.querySelectorAll("a[href], button, input, select, summary")]
    .filter((each) => !each.disabled && each.checkVisibility({ visibilityProperty: true }))
    .map((each) => each.outerHTML);
}

story("the first Tab offers to skip to the text", async (visit) => {
  const page = await visit.open("/policies.html");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "跳到正文");
  await visit.checkFocusSeen();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.closest("main")), "the next stop is in the text");
});

story("every page has its own title, one first heading and a language", async (visit, facts) => {
  const titles = new Set();
  for (const path of pages(facts).slice(0, 7)) {
    const page = await visit.open(path);
    titles.add(await page.title());
    assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1, path);
    assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
    assert.equal(await page.getByRole("main").count(), 1, path);
  }
  assert.equal(titles.size, 7, [...titles].join("\n"));
});

story("an outcome is told by words and a sign, never by colour alone", async (visit, facts) => {
  const page = await visit.open("/query.html");
  for (const role of ["paid", "rejected"]) {
    await page.getByLabel("姓名").fill(facts.people[role].name);
    await page.getByLabel("身份证号").fill(facts.people[role].id_number);
    await page.keyboard.press("Enter");
    await visit.settled();
    const outcome = page.locator(".outcome").first();
    assert.ok((await shown(outcome)).length > 4);
    assert.equal(await outcome.locator("svg").count(), 1);
  }
});

story("a browser without scripts is told what it cannot do, and whom to call", async (visit) => {
  await visit.arrive({ javaScriptEnabled: false });
  for (const path of ["/policies.html", "/query.html", "/calendar.html", "/disclosure.html"]) {
    await visit.page.goto(visit.address(path));
    const text = await shown(visit.page.locator("main"));
    assert.match(text, /没有启用/);
    assert.match(text, /12345/);
  }
  visit.pardon();
});
