// A person's payments drawn: what each year came to, then every payment with its state in words.

import { follow } from "./api.js";
import { documentList } from "./documents.js";
import { fill, icon, make, table } from "./dom.js";
import { count, day, slot, yuan } from "./words.js";

// The sign beside the words; the words alone say everything.
const SIGNS = { SETTLED: "paid", REJECTED: "back", RETURNED: "back", REISSUED: "again", FROZEN: "asking" };

const YEAR_COLUMNS = [{ title: "年份" }, { title: "到账金额", kind: "amount" }, { title: "笔数", kind: "amount" }];
const RECORD_COLUMNS = [
  { title: "补贴项目" },
  { title: "发的是", kind: "short" },
  { title: "金额", kind: "amount" },
  { title: "结果" },
  { title: "到账日期", kind: "short" },
];

/** `answer` is the API's, `names` the regions' names. */
export function drawRecords(answer, names) {
  return make(
    "div",
    null,
    answer.totals.length
      ? table(
          "slim",
          "每年到账合计",
          YEAR_COLUMNS,
          [].concat(...answer.totals.map(yearRows)),
        )
      : make("p", { class: "notice" }, "下面的钱都还没有到账，请看每一笔的结果。"),
    table("cards", "每一笔", RECORD_COLUMNS, answer.records.map((record) => row(record, names))),
  );
}

/** A year's own payments, and apart from them what was received for others: that is not this person's money. */
function yearRows(total) {
  const own = [`${total.year}年`, yuan(total.amount_fen), `${count(total.count)}笔`];
  const collected = [`${total.year}年您替别人代收`, yuan(total.collected_fen), `${count(total.collected_count)}笔`];
  return [total.count ? own : null, total.collected_count ? collected : null].filter(Boolean);
}

function row(record, names) {
  const where = [names[record.region], record.role === "payee" ? "您代收" : ""].filter(Boolean).join("，");
  return [
    [record.subsidy, where ? make("span", { class: "where" }, where) : null, policyOf(record)],
    slot(record.slot),
    yuan(record.amount_fen),
    outcome(record),
    // Money that came back has a day on which it was there; what it is told for is that it is not there now.
    record.state === "SETTLED" ? day(record.paid_on) : record.state === "FROZEN" ? "核实中" : "没有到账",
  ];
}

function outcome(record) {
  return make(
    "div",
    { class: `outcome ${record.state === "SETTLED" ? "good" : "open"}` },
    icon(SIGNS[record.state]),
    make("div", null, record.status, record.card_advice ? make("p", null, record.card_advice) : null),
  );
}

/** The policy in force for that payment, fetched when opened and shown here: a link would leave the subsidy's name in
    the browser's history. */
function policyOf(record) {
  const inside = make("div", { "aria-live": "polite" });
  const details = make("details", { class: "policy" }, make("summary", null, "依据的政策"), inside);
  details.addEventListener("toggle", () => {
    if (!details.open || inside.firstChild) {
      return;
    }
    fill(inside, make("p", { class: "waiting" }, "正在取"));
    follow(record.policy).then(
      (answer) => fill(inside, documentList(answer.documents, "当时有效的政策文件还没有上传。")),
      (trouble) => fill(inside, make("p", null, trouble.message)),
    );
  });
  return details;
}
