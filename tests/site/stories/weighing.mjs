// What a cheap phone on a weak signal has to fetch.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { story } from "../telling.mjs";

const MOST_KB = 150;

// Of everything a page fetched, as it travels where text is compressed.
async function gzippedKb(visit) {
  const answers = await Promise.all(visit.requests().map((request) => request.response()));
  const bodies = await Promise.all(answers.filter((answer) => answer?.ok()).map((answer) => answer.body()));
  return bodies.reduce((sum, body) => sum + gzipSync(body).length, 0) / 1000;
}

story("the query page with an answer weighs less than 150 kB gzipped, and needs few fetches", async (visit, facts) => {
  await visit.open("/query.html");
  await visit.page.getByLabel("姓名").fill(facts.people.paid.name);
  await visit.page.getByLabel("身份证号").fill(facts.people.paid.id_number);
  await visit.page.keyboard.press("Enter");
  await visit.page.getByText(facts.people.paid.records[0].status).first().waitFor();
  visit.notes.kb = Math.round(await gzippedKb(visit));
  visit.notes.requests = visit.requests().length;
  assert.ok(visit.notes.kb > 5 && visit.notes.kb < MOST_KB, `${visit.notes.kb} kB`);
  assert.ok(visit.notes.requests <= 40, `${visit.notes.requests} requests`);
});

story("the front page is there with fewer than 40 kB", async (visit) => {
  await visit.open("/");
  const kb = await gzippedKb(visit);
  assert.ok(kb > 2 && kb < 40, `${kb} kB`);
});

story("the files that seldom change are kept by the browser, a page is asked for again", async (visit) => {
  const answers = new Map();
  await visit.arrive();
  visit.page.on("response", (response) => answers.set(new URL(response.url()).pathname, response.headers()["cache-control"] ?? ""));
  await visit.open("/query.html");
  for (const [path, kept] of answers) {
    if (path.startsWith("/assets/") || path.endsWith(".html")) assert.match(kept, /max-age=\d+/, path);
  }
  assert.ok(answers.size > 5);
});
