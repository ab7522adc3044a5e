// The public API: where it is, and what its refusals mean in words.

const PATIENCE_MS = 20000;

/** Why there is no answer. `kind`: offline, limited, challenge, missing, wrong or broken; `message` is for people. */
export class Trouble extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

let places = null;

/** The API's addresses, from config.json beside the pages, asked for once: `api`, and for what is public perhaps a
    `cached` one nearer by. */
function addresses() {
  if (places === null) {
    places = send("config.json", {});
    places.catch(() => {
      places = null;
    });
  }
  return places;
}

async function publicAddress() {
  const { api, cached } = await addresses();
  return cached || api;
}

/** Never through a cache: what is personal goes to the API itself. */
async function personalAddress() {
  return (await addresses()).api;
}

/** GET below /v1. `parameters` that are empty are left out. Public, so the browser may keep it. */
export async function read(path, parameters) {
  const wanted = Object.keys(parameters || {}).filter((name) => parameters[name]);
  const query = wanted.map((name) => `${name}=${encodeURIComponent(parameters[name])}`).join("&");
  return send(`${await publicAddress()}/v1/${path}${query ? `?${query}` : ""}`, {});
}

/** GET of what an answer of the API itself points to, as `/v1/...`. */
export async function follow(address) {
  return send((await publicAddress()) + address, {});
}

/** POST of something personal: kept by nobody on the way. */
export async function ask(path, body) {
  return send(`${await personalAddress()}/v1/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    cache: "no-store",
  });
}

/** GET of something that belongs to one question only. */
export async function readOnce(path) {
  return send(`${await personalAddress()}/v1/${path}`, { cache: "no-store" });
}

async function send(address, options) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(
      address,
      Object.assign({ credentials: "omit", referrerPolicy: "no-referrer", signal: limit.signal }, options),
    );
    // A body that is no JSON comes from something in between: a proxy, a captive portal, an error page.
    const body = await answer.json().catch(() => null);
    if (answer.ok && body !== null) {
      return body;
    }
    throw refusal(answer, body || {});
  } catch (error) {
    throw error instanceof Trouble ? error : unreachable();
  } finally {
    clearTimeout(timer);
  }
}

function unreachable() {
  return new Trouble("offline", "网络连不上，或者信号太弱。请看看手机有没有网，过一会儿再试。");
}

function refusal(answer, problem) {
  const kind = String(problem.type || "").replace("urn:yikatong:problem:", "");
  if (answer.status === 429) {
    return new Trouble("limited", problem.detail || `查的次数太多了，请过${waiting(answer)}再查。`);
  }
  if (kind.indexOf("challenge") === 0) {
    return new Trouble("challenge", problem.detail || "请回答问题后再查。");
  }
  if (answer.status === 404) {
    return new Trouble("missing", problem.detail || "没有找到。");
  }
  if (answer.status >= 400 && answer.status < 500) {
    return new Trouble("wrong", problem.detail || "这样查不了，请核对后再试。");
  }
  return new Trouble("broken", "系统正忙或出了故障，请过几分钟再试。一直不行，请打 12333 或 12345。");
}

/** Retry-After in words: seconds as minutes, rounded up. Another origin's header may be hidden from us. */
function waiting(answer) {
  const seconds = Number(answer.headers.get("Retry-After"));
  if (!seconds) {
    return "一会儿";
  }
  return seconds <= 60 ? "一分钟" : `${Math.ceil(seconds / 60)}分钟`;
}
