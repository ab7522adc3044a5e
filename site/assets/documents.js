// Policy documents: what each is called, who issued it, for how long it holds.

import { icon, link, make } from "./dom.js";
import { day, size } from "./words.js";

/** Versions of documents as a list; `none` is said where there is none. */
export function documentList(versions, none) {
  if (!versions.length) {
    return make("p", null, none);
  }
  return make("ul", { class: "documents" }, ...versions.map((version) => make("li", null, oneVersion(version))));
}

function oneVersion(version) {
  const kind = version.media_type === "application/pdf" ? "PDF" : "网页";
  const until = version.valid_to ? `至${day(version.valid_to)}` : "起，长期有效";
  return make(
    "div",
    { class: "document" },
    icon("paper"),
    make(
      "div",
      null,
      link(version.href, version.title),
      make("small", null, [version.issuer, version.document_number].filter(Boolean).join("　")),
      make("small", null, `有效期：${day(version.valid_from)}${until}`),
      make("small", null, `第${version.version}版　${kind}，${size(version.size_bytes)}`),
    ),
  );
}
