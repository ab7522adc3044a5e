// Pictures of the main pages for docs/screenshots. The facts come on standard input, the folder is the argument.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";
import UPNG from "upng-js";
import { DESKTOP, PHONE, Visit } from "./visit.mjs";

const COLOURS = 48;
const MOST_BYTES = 60_000;
const [folder] = process.argv.slice(2);
const facts = JSON.parse(await text(process.stdin));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM });

async function query(page) {
  await page.getByLabel("姓名").fill(facts.people.paid.name);
  await page.getByLabel("身份证号").fill(facts.people.paid.id_number);
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "查询结果" }).waitFor();
  await page.getByRole("heading", { name: "查询结果" }).evaluate((heading) => heading.scrollIntoView());
}

const { code, region, slot } = facts.disclosure.list;
const PICTURES = {
  "home-desktop": ["/", DESKTOP],
  "home-phone": ["/", PHONE],
  "home-phone-large-print": ["/", PHONE, { large: true }],
  "policies-phone": ["/policies.html", PHONE],
  "subsidy-desktop": [`/subsidy.html?code=${facts.policy.code}`, DESKTOP],
  "calendar-desktop": ["/calendar.html", DESKTOP],
  "query-phone": ["/query.html", PHONE, { act: query }],
  "query-phone-large-print": ["/query.html", PHONE, { act: query, large: true }],
  "disclosure-desktop": [`/disclosure.html?region=${region}&code=${code}&slot=${slot}`, { width: 1280, height: 1000 }],
};

for (const [name, [path, viewport, { act, large } = {}]] of Object.entries(PICTURES)) {
  const visit = new Visit(browser, facts);
  const page = await visit.open(path, { viewport });
  if (large) await page.getByRole("button", { name: "大字版" }).click();
  await act?.(page);
  await visit.settled();
  const picture = UPNG.decode(await page.screenshot());
  const small = Buffer.from(UPNG.encode(UPNG.toRGBA8(picture), picture.width, picture.height, COLOURS));
  if (small.length > MOST_BYTES) throw new Error(`${name} has ${small.length} bytes`);
  await writeFile(join(folder, `${name}.png`), small);
  process.stdout.write(`${name}.png ${small.length}\n`);
  await visit.end();
}
await browser.close();
