// One browser for the whole session, a new context for every story. Requests are JSON lines on standard input, answers on
// standard output: {"list": true} → {"sentences"}; {"story", "facts"} → {"passed", "error"?, "notes"}. Ends with its input.

import { readdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { playOf, sentences } from "./telling.mjs";
import { Visit } from "./visit.mjs";

const STORY_TIMEOUT_MS = 45_000;
const folder = new URL("./stories/", import.meta.url);

for (const file of (await readdir(folder)).filter((name) => name.endsWith(".mjs")).sort()) {
  await import(new URL(file, folder));
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  // Playwright turns the page cache of the back button off; here it is what is under test.
  ignoreDefaultArgs: ["--disable-back-forward-cache"],
});

for await (const line of createInterface({ input: process.stdin })) {
  const { list, story, facts } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(list ? { sentences: sentences() } : await play(story, facts))}\n`);
}
await browser.close();

async function play(sentence, facts) {
  const visit = new Visit(browser, facts);
  let timer;
  try {
    const tooLong = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`longer than ${STORY_TIMEOUT_MS / 1000} s`)), STORY_TIMEOUT_MS);
    });
    await Promise.race([playOf(sentence)(visit, facts).then(() => visit.checkHarmless()), tooLong]);
    return { passed: true, notes: visit.notes };
  } catch (error) {
    return { passed: false, error: `${error.stack ?? error}`, notes: visit.notes };
  } finally {
    clearTimeout(timer);
    await visit.end();
  }
}
