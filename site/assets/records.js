// A person's payments drawn: what each year came to, then every payment with its state in words.

import { follow } from "./api.js";
import { documentList } from "./documents.js";
import { fill, icon, make, table } from "./dom.js";
import { count, day, slot, yuan } from "./words.js";

// The sign beside the words; the words alone say everything.
const SIGNS = { SETTLED: "paid", REJECTED: "back", RETURNED: "back", REISSUED: "again", FROZEN: "asking" };

/** `answer` is the API's, `names` the regions' names. */
export function drawRecords(answer, names) {
  return make(
    "div",
    null,
    table(
      "每年到账合计",
      [{ title: "年份" }, { title: "到账金额", amount: true }, { title: "笔数", amount: true }],
      answer.totals.map((total) => [`${total.year}年`, yuan(total.amount_fen), `${count(total.count)}笔`]),
    ),
    table(
      "每一笔",
      [
        { title: "补贴项目" },
        { title: "发的是" },
        { title: "金额", amount: true },
        { title: "结果" },
        { title: "到账日期" },
        { title: "发放地区" },
      ],
      answer.records.map((record) => row(record, names)),
    ),
  );
}

function row(record, names) {
  return [
    [record.subsidy, record.role === "payee" ? make("small", { class: "role" }, "（您代领）") : null, policyOf(record)],
    slot(record.slot),
    yuan(record.amount_fen),
    outcome(record),
    record.paid_on ? day(record.paid_on) : "没有到账",
    names[record.region] || "",
  ];
}

function outcome(record) {
  return make(
    "div",
    { class: `outcome ${record.state === "SETTLED" ? "good" : "open"}` },
    SIGNS[record.state] ? icon(SIGNS[record.state]) : null,
    make("div", null, record.status, record.card_advice ? make("p", null, record.card_advice) : null),
  );
}

/** The policy in force for that payment, fetched when opened and shown here: a link would leave the subsidy's name in
    the browser's history. */
function policyOf(record) {
  if (!record.policy) {
    return null;
  }
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
