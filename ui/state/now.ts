/** Clocks that differ by less than this, in milliseconds, are taken as one: the time of a response has come over a network. */
const toleratedMs = 30_000

/** How far the clock of the server is ahead of that of the browser, in milliseconds. */
let aheadMs = 0

/** Takes note of the time of a response, its header `Date`. */
export function noteServerTime(date: string | null): void {
  const ahead = Date.parse(date ?? '') - Date.now()
  aheadMs = Math.abs(ahead) > toleratedMs ? ahead : 0
}

/** The time by the clock of the server, in milliseconds: what is an hour ago there is not by a browser whose clock is wrong. */
export const serverNow = (): number => Date.now() + aheadMs
