// Somebody's visit to the site: a context of its own, with everything written down that no visitor may cause or leave behind.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const PAGES = ["index", "policies", "subsidy", "calendar", "query", "card", "disclosure"];
export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };
export const SMALL_PHONE = { width: 320, height: 568 };
const LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const WAIT_MS = 10_000;

export class Visit {
  notes = {};
  #contexts = [];
  #faults = [];
  #requests = [];
  #outstanding = new Set();
  #forgiven = new Set();

  constructor(browser, facts) {
    this.browser = browser;
    this.facts = facts;
  }

  // Open a page of the site. `device` are options of Playwright's newContext; the first call makes the context.
  async open(path, device = {}) {
    if (!this.page) await this.arrive(device);
    await this.page.goto(this.address(path));
    await this.settled();
    return this.page;
  }

  async arrive(device = {}) {
    const context = await this.browser.newContext({ locale: "zh-CN", timezoneId: "Asia/Shanghai", viewport: DESKTOP, ...device });
    context.setDefaultTimeout(WAIT_MS);
    this.#contexts.push(context);
    this.page = await context.newPage();
    // The visitor lives on the day that the system does.
    await this.page.clock.setFixedTime(this.facts.now);
    await this.page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        console.error(`Content-Security-Policy: ${event.effectiveDirective} ${event.blockedURI}`);
      });
    });
    this.page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.#blame(message.text(), message.location().url);
    });
    this.page.on("pageerror", (error) => this.#faults.push(`script failed: ${error.message}`));
    this.page.on("request", (request) => {
      this.#requests.push(request);
      this.#outstanding.add(request);
    });
    for (const end of ["requestfinished", "requestfailed"]) this.page.on(end, (request) => this.#outstanding.delete(request));
    return this.page;
  }

  // The next page opened is another visitor's.
  async leave() {
    await this.checkHarmless();
    this.pardon();
  }

  // Forget what was found, in a story about finding it.
  pardon() {
    this.#faults = [];
    this.#requests = [];
    this.#outstanding.clear();
    this.page = undefined;
  }

  address = (path) => new URL(path, this.facts.address).href;

  // Nothing is being fetched or drawn any more: no answer outstanding, and two frames later still none.
  async settled() {
    const deadline = Date.now() + WAIT_MS;
    await this.page.waitForLoadState("load");
    for (let quiet = 0; quiet < 2; quiet = this.#outstanding.size ? 0 : quiet + 1) {
      if (Date.now() > deadline) throw new Error(`still waiting for ${[...this.#outstanding].map((request) => request.url())}`);
      await this.page.evaluate(() => new Promise((done) => setTimeout(done, 30)));
    }
  }

  // A story in which the API refuses or is away says which answers the browser may complain about.
  forgive(...words) {
    for (const word of words) this.#forgiven.add(word);
  }

  #blame(text, url) {
    if (![...this.#forgiven].some((word) => text.includes(word))) this.#faults.push(`${text} (${url})`);
  }

  requests = () => [...this.#requests];

  // No error in the console, no breach of the content security policy, no other host, nothing personal where others may look.
  async checkHarmless() {
    if (!this.page) return;
    const found = [...this.#faults, ...(await this.#strayRequests()), ...(await this.#leaks())];
    if (found.length) throw new Error(`this visit left behind:\n${[...new Set(found)].join("\n")}`);
  }

  async #strayRequests() {
    const home = new URL(this.facts.address).origin;
    const urls = this.#requests.map((request) => request.url()).filter((url) => /^(https?|wss?):/.test(url));
    return urls.filter((url) => new URL(url).origin !== home).map((url) => `a request to another host: ${url}`);
  }

  async #leaks() {
    const personal = Object.values(this.facts.people).flatMap((person) => [person.name, person.id_number]);
    const places = await this.page.evaluate(whatStays);
    for (const request of this.#requests) {
      places[`the address of a ${request.method()}`] = `${places[`the address of a ${request.method()}`] ?? ""}\n${request.url()}`;
      places.referrers = `${places.referrers ?? ""}\n${request.headers().referer ?? ""}`;
    }
    places.cookies = JSON.stringify(await this.page.context().cookies());
    return Object.entries(places).flatMap(([place, text]) =>
      personal.some((fact) => decoded(text).includes(fact)) ? [`something personal in ${place}`] : [],
    );
  }

  // axe-core's findings for WCAG 2.1 A and AA on the page as it stands; [] when there is none.
  async axeFindings() {
    await this.page.evaluate(axeSource);
    const found = await this.page.evaluate((levels) => axe.run(document, { runOnly: levels, resultTypes: ["violations"] }), LEVELS);
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((node) => node.target.join(" ")).join(", ")}`);
  }

  async checkAccessible(state = "") {
    const found = await this.axeFindings();
    if (found.length) throw new Error(`axe-core on ${this.page.url()} ${state}:\n${found.join("\n")}`);
  }

  // What a reader would have to scroll sideways for.
  async checkFits() {
    const wide = await this.page.evaluate(whatSticksOut);
    if (wide.length) throw new Error(`wider than the window on ${this.page.url()}:\n${wide.join("\n")}`);
  }

  // Press Tab until `goal` has the focus; every stop on the way must be seen to have it.
  async tabTo(goal, most = 60) {
    for (let stops = 0; stops < most; stops += 1) {
      await this.page.keyboard.press("Tab");
      await this.checkFocusSeen();
      if (await goal.evaluate((each) => each === document.activeElement)) return;
    }
    throw new Error(`Tab never reached ${goal}`);
  }

  async checkFocusSeen() {
    const fault = await this.page.evaluate(unseenFocus);
    if (fault) throw new Error(`the focus is not seen on ${this.page.url()}: ${fault}`);
  }

  async end() {
    for (const context of this.#contexts) await context.close();
  }
}

function decoded(text) {
  try {
    return `${text}\n${decodeURIComponent(text)}`;
  } catch {
    return text;
  }
}

// The visible text of one or more elements, blanks joined.
export const shown = async (locator) => (await locator.allInnerTexts()).join(" ").replace(/\s+/g, " ").trim();

// Runs in the page. WCAG 2.4.7 and 1.4.11: an outline or a shadow, at 3:1 against what it lies on.
function unseenFocus() {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return "";
  const name = focused.outerHTML.slice(0, 100);
  const { left, top, width, height, right, bottom } = focused.getBoundingClientRect();
  if (width < 2 || height < 2 || right <= 0 || bottom <= 0) return `${name} has no place on the page`;
  if (left >= innerWidth || top >= innerHeight) return `${name} is outside the window`;
  const style = getComputedStyle(focused);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 ? style.outlineColor : style.boxShadow;
  if (ring === "none") return `${name} has no ring`;
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = focused.parentElement;
  while (behind && /^rgba\(.*, 0\)$/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
  const [light, dark] = [luminance(ring), behind ? luminance(getComputedStyle(behind).backgroundColor) : 1].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05) < 3 ? `${name} has a ring of ${ring} that does not stand out` : "";
}

// Runs in the page.
async function whatStays() {
  const caches_ = "caches" in window ? await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys())) : [];
  const databases = indexedDB.databases ? await indexedDB.databases() : [];
  return {
    "the address": location.href,
    "the title": document.title,
    "local storage": JSON.stringify({ ...localStorage }),
    "session storage": JSON.stringify({ ...sessionStorage }),
    "the history's state": JSON.stringify(history.state) ?? "",
    "the window's name": window.name,
    "cached answers": caches_.flat().map((request) => request.url).join("\n"),
    databases: JSON.stringify(databases),
  };
}

// Runs in the page.
function whatSticksOut() {
  const width = document.documentElement.clientWidth;
  const found = document.scrollingElement.scrollWidth > width ? [`the page: ${document.scrollingElement.scrollWidth} of ${width}`] : [];
  for (const each of document.querySelectorAll("body *")) {
    const { left, right, width: own } = each.getBoundingClientRect();
    // Put aside for screen readers only, and shown on focus.
    const hidden = own <= 1 || right <= 0 || getComputedStyle(each).visibility === "hidden";
    if (!hidden && (right > width + 1 || left < -1)) found.push(`<${each.tagName.toLowerCase()} class="${each.className}"> ends at ${Math.round(right)}`);
  }
  return found.slice(0, 8);
}
