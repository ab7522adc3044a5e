// What the page is doing, said to eyes and ears alike: a polite line (`#state`), an alert (`#trouble`).

import { byId, fill, make } from "./dom.js";

/** Loading, or how much was found. */
export function say(words) {
  byId("state").textContent = words;
  byId("state").classList.remove("waiting");
  fill(byId("trouble"));
}

/** Something is on its way. */
export function wait(words) {
  say(words);
  byId("state").classList.add("waiting");
}

/** It did not work: why, and a button for another try where that may help. */
export function fail(trouble, retry) {
  say("");
  const button = make("button", { type: "button", class: "button plain" }, "再试一次");
  button.addEventListener("click", retry || (() => location.reload()));
  const mayHelp = trouble.kind === "offline" || trouble.kind === "broken";
  fill(
    byId("trouble"),
    make(
      "div",
      { class: "notice bad" },
      make("p", null, make("b", null, "没有成功："), words(trouble)),
      mayHelp ? make("div", { class: "buttons" }, button) : null,
    ),
  );
  // On a phone it may lie below what is seen.
  byId("trouble").scrollIntoView({ block: "nearest" });
}

function words(trouble) {
  return trouble.kind ? trouble.message : "这一页出了故障，请过几分钟再试，或者打 12345。";
}

/** Runs a page: its troubles are shown, and a defect is no silence. */
export function run(page) {
  page().catch((trouble) => {
    fail(trouble);
    if (!trouble.kind) {
      throw trouble;
    }
  });
}
