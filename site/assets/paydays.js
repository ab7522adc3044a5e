// When money comes, as the API gives it: on a day, or within a window. Each time says itself in `words`.

import { make } from "./dom.js";
import { day } from "./words.js";

/** The months (1 to 12) in which this time may fall; times lie within one year. */
export function monthsOf(time) {
  const months = [];
  for (let month = Number(time.from.slice(5, 7)); month <= Number(time.to.slice(5, 7)); month += 1) {
    months.push(month);
  }
  return months;
}

/** The next three that are not over, or that the year's are. */
export function nextPaydays(times, today, year) {
  const next = times.filter((time) => time.to >= today).slice(0, 3);
  if (!next.length) {
    return make("p", null, `${year}年的发放日都已经过了。`);
  }
  return make("ul", null, ...next.map((time) => make("li", null, time.kind === "day" ? day(time.from) : time.words)));
}
