// Results do not stay on a phone that was laid down, or on a screen somebody walked away from. Whoever is still
// reading is asked first and has a minute to say so (WCAG 2.2.1), as often as they like.

const QUIET_MS = 4 * 60 * 1000;
const ANSWER_MS = 60 * 1000;
const SIGNS = ["pointerdown", "keydown", "scroll", "touchstart"];

/** `watch({warn, gone})`: `warn()` when it has been quiet, `gone()` when nobody answered. Returns `{stay, stop}`. */
export function watch(people) {
  let timer = null;
  let since = Date.now();
  let warned = false;

  function later(milliseconds, then) {
    clearTimeout(timer);
    timer = setTimeout(then, milliseconds);
  }

  function begin() {
    since = Date.now();
    warned = false;
    later(QUIET_MS, () => {
      warned = true;
      people.warn();
      later(ANSWER_MS, leave);
    });
  }

  function leave() {
    stop();
    people.gone();
  }

  // Moving about counts until the question is asked; then only its answer does.
  function sign() {
    if (!warned) {
      begin();
    }
  }

  // A phone that slept ran no timers.
  function woken() {
    if (!document.hidden && Date.now() - since > QUIET_MS + ANSWER_MS) {
      leave();
    }
  }

  function stop() {
    clearTimeout(timer);
    SIGNS.forEach((name) => document.removeEventListener(name, sign, true));
    document.removeEventListener("visibilitychange", woken);
  }

  SIGNS.forEach((name) => document.addEventListener(name, sign, true));
  document.addEventListener("visibilitychange", woken);
  begin();
  return { stay: begin, stop };
}
