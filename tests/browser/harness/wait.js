// Waiting for a condition.

import { setTimeout as pause } from "node:timers/promises";

/** The longest that a test waits for anything: it ends a hanging test, and measures nothing. */
export const TIME_LIMIT = 60_000;

/** Waits until `condition` returns something, and returns it. `explain` adds to the error. */
export async function until(what, condition, explain = () => "") {
  const end = Date.now() + TIME_LIMIT;
  for (;;) {
    const result = await condition();
    if (result) return result;
    if (Date.now() > end) throw new Error(`waited too long for ${what}\n${await explain()}`);
    await pause(25);
  }
}
