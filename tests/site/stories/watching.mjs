// The tests of the tests: on pages spoiled on purpose, everything that watches over the other stories must speak up.

import assert from "node:assert/strict";
import { story } from "../telling.mjs";

const SPOILED = "/spoiled.html";

async function show(visit, body, device) {
  await visit.arrive(device);
  const html = `<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>坏页</title></head><body><main><h1>坏页</h1>${body}</main></body></html>`;
  await visit.page.route(`**${SPOILED}*`, (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
  return visit.open(SPOILED);
}

story("axe finds what is wrong with a page spoiled on purpose", async (visit) => {
  await show(visit, '<img src="data:,"><input type="text"><p style="color:#bbb;background:#fff">看不清的字</p><div role="button">按</div>');
  const found = (await visit.axeFindings()).join("\n");
  for (const rule of ["image-alt", "label", "color-contrast"]) assert.match(found, new RegExp(`^${rule}:`, "m"));
  await assert.rejects(visit.checkAccessible(), /axe-core/);
});

story("a table wider than a phone is noticed", async (visit) => {
  await show(visit, '<div style="overflow:auto"><table style="width:500px"><tr><td>宽</td></tr></table></div>', { viewport: { width: 360, height: 740 } });
  await assert.rejects(visit.checkFits(), /<table/);
});

story("an error in the console and a request to another host are noticed", async (visit) => {
  await show(visit, "<script>console.error('坏了')</script>");
  await visit.page.route("https://elsewhere.example/*", (route) => route.fulfill({ body: "", headers: { "access-control-allow-origin": "*" } }));
  await visit.page.evaluate(() => fetch("https://elsewhere.example/count").then(() => undefined));
  const told = await visit.checkHarmless().catch((error) => error.message);
  assert.match(told, /坏了/);
  assert.match(told, /another host: https:\/\/elsewhere\.example/);
  visit.pardon();
});

story("a breach of the content security policy is noticed", async (visit) => {
  await show(visit, '<meta http-equiv="Content-Security-Policy" content="img-src \'none\'"><img alt="" src="/x.png">');
  await assert.rejects(visit.checkHarmless(), /Content[- ]Security[- ]Policy/);
  visit.pardon();
});

const LEAKS = {
  "local storage": (secret) => localStorage.setItem("last", secret),
  "session storage": (secret) => sessionStorage.setItem("last", secret),
  "the history's state": (secret) => history.replaceState({ secret }, ""),
  "the address": (secret) => history.replaceState(null, "", `?id=${encodeURIComponent(secret)}`),
  "the address of a GET": (secret) => fetch(`/spoiled.html?name=${encodeURIComponent(secret)}`).then(() => undefined),
  cookies: (secret) => void (document.cookie = `last=${encodeURIComponent(secret)}`),
};

story("a name or an id number left behind anywhere is noticed", async (visit, facts) => {
  const secrets = [facts.people.paid.name, facts.people.paid.id_number];
  for (const [n, [place, leak]] of Object.entries(LEAKS).entries()) {
    await show(visit, "");
    await visit.page.evaluate(leak, secrets[n % 2]);
    const told = await visit.checkHarmless().catch((error) => error.message);
    assert.match(`${told}`, new RegExp(`something personal in ${place}`));
    visit.pardon();
  }
});
