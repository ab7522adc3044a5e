// 补贴查询: one's own payments. Sent by POST, kept nowhere: not in the address, the history or any storage; wiped when
// the page is left or lies idle.

import { Trouble, ask, readOnce } from "./api.js";
import { today } from "./clock.js";
import { byId, fill, make } from "./dom.js";
import { fault, plain } from "./identity.js";
import { watch } from "./idle.js";
import { drawRecords } from "./records.js";
import { allRegions, fullNames } from "./regions.js";
import { fail, say, wait } from "./state.js";
import { day } from "./words.js";

const form = byId("ask");
const fields = { name: byId("name"), idNumber: byId("id-number"), answer: byId("answer") };

// The question that is open, as `{challenge, question}`, or null.
let challenge = null;
let idle = null;
// Counts questions and wipings: an answer to an earlier one must not appear after it.
let turn = 0;

function mark(field, words) {
  byId(`${field.id}-wrong`).textContent = words;
  if (words) {
    field.setAttribute("aria-invalid", "true");
  } else {
    field.removeAttribute("aria-invalid");
  }
  return Boolean(words);
}

/** Marks every field that is wrong and moves to the first; whether all are right. */
function complete() {
  const wrong = [
    mark(fields.name, fields.name.value.trim() ? "" : "请填写姓名。") && fields.name,
    mark(fields.idNumber, fault(fields.idNumber.value)) && fields.idNumber,
    mark(fields.answer, challenge && !fields.answer.value.trim() ? "请填写答案。" : "") && fields.answer,
  ].filter(Boolean);
  if (wrong.length) {
    wrong[0].focus();
  }
  return wrong.length === 0;
}

function question() {
  const asked = { name: fields.name.value.trim(), id_number: plain(fields.idNumber.value) };
  const answered = () => ({ challenge: challenge.challenge, answer: fields.answer.value.trim() });
  return challenge ? Object.assign(asked, answered()) : asked;
}

async function send() {
  if (byId("send").getAttribute("aria-disabled") === "true") {
    return;
  }
  wipeResults();
  if (idle) {
    stayed();
  }
  if (!complete()) {
    return;
  }
  const mine = turn;
  busy(true);
  try {
    // Without the regions' names a record still says everything else.
    const [answer, regions] = await Promise.all([ask("query", question()), allRegions().catch(() => [])]);
    if (mine === turn) {
      closeChallenge();
      show(answer, fullNames(regions));
    }
  } catch (trouble) {
    if (mine === turn) {
      await explain(trouble, mine);
    }
  } finally {
    busy(false);
  }
}

/** Said on the button, too: on a phone the line below the form is out of sight. The button is not disabled, which would
    lose the focus of whoever works by keyboard. */
function busy(yes) {
  byId("send").setAttribute("aria-disabled", String(yes));
  byId("send").textContent = yes ? "正在查…" : "查询";
  if (yes) {
    wait("正在查");
  }
}

async function explain(trouble, mine) {
  if (trouble.kind !== "challenge") {
    fail(trouble, send);
    return;
  }
  const before = challenge;
  try {
    const next = await readOnce("challenge");
    if (mine === turn) {
      openChallenge(next, before !== null, trouble.message);
    }
  } catch (error) {
    const none = error instanceof Trouble && error.kind === "missing";
    fail(none ? trouble : error, send);
  }
}

function openChallenge(next, again, words) {
  challenge = next;
  byId("challenge").hidden = false;
  byId("answer-hint").textContent = next.question;
  fields.answer.value = "";
  mark(fields.answer, again ? words : "");
  say(again ? "" : "查了好几次，请先回答一个小问题，再按“查询”。");
  fields.answer.focus();
}

function closeChallenge() {
  challenge = null;
  byId("challenge").hidden = true;
  fields.answer.value = "";
}

/** Of whom and when this is, recognisable to oneself and nobody else: it is printed, too. */
function whose() {
  const name = fields.name.value.trim();
  return `查询人：${Array.from(name)[0]}*，身份证尾号 ${plain(fields.idNumber.value).slice(-4)}。查询日期：${day(today())}。`;
}

function show(answer, names) {
  if (!answer.records.length) {
    say("没有查到。");
    fill(byId("found"), nothing());
  } else {
    say(`查到${answer.records.length}笔。`);
    fill(byId("found"), make("p", { class: "whose" }, whose()), drawRecords(answer, names));
  }
  byId("print").hidden = !answer.records.length;
  byId("results").hidden = false;
  byId("results-title").focus();
}

function nothing() {
  return make(
    "div",
    { class: "notice" },
    make("p", null, make("b", null, "没有查到这个姓名和身份证号的发放记录。")),
    make(
      "ul",
      null,
      make("li", null, "请核对姓名和身份证号，有一个字不对就查不到。"),
      make("li", null, "补贴可能还没有发，或者发在家里别人名下（例如户主）。"),
      make("li", null, "没有通过“一卡通”发的补贴，这里没有。"),
      make("li", null, "还有疑问，请问村（居）委会，或者打 12333、12345。"),
    ),
  );
}

/** From the first letter typed until all is wiped, somebody must be there. */
function guard() {
  if (!idle) {
    idle = watch({ warn: warnIdle, gone: wipeAll });
  }
}

function warnIdle() {
  byId("idle-words").textContent = "好一会儿没有动静了。一分钟以后，填的和查到的会自动清掉，免得被别人看见。还要看吗？";
  byId("idle").hidden = false;
  byId("stay").focus();
}

function stayed() {
  byId("idle").hidden = true;
  idle.stay();
}

function stay() {
  stayed();
  (byId("results").hidden ? fields.name : byId("results-title")).focus();
}

function wipeResults() {
  turn += 1;
  byId("results").hidden = true;
  fill(byId("found"));
  say("");
}

function wipeAll() {
  wipeResults();
  byId("idle").hidden = true;
  if (idle) {
    idle.stop();
    idle = null;
  }
  closeChallenge();
  Object.keys(fields).forEach((name) => {
    fields[name].value = "";
    mark(fields[name], "");
  });
}

form.addEventListener("input", guard);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
form.addEventListener("reset", () => {
  wipeAll();
  fields.name.focus();
});
byId("stay").addEventListener("click", stay);
byId("print").addEventListener("click", () => window.print());
byId("clear").addEventListener("click", () => {
  wipeAll();
  say("结果已经清掉。");
  fields.name.focus();
});
// Before the page is frozen for the back button, and again should a browser have kept it nevertheless.
window.addEventListener("pagehide", wipeAll);
window.addEventListener("pageshow", wipeAll);

form.hidden = false;
