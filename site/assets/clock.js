// The day it is in China, whatever the phone is set to.

const SHANGHAI_AHEAD_MS = 8 * 60 * 60 * 1000;

/** Today as "2023-06-09". */
export function today() {
  return new Date(Date.now() + SHANGHAI_AHEAD_MS).toISOString().slice(0, 10);
}
