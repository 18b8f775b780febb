import { signal } from '@preact/signals'

const { dataset } = document.documentElement

/** The base path of the server as browsers see it, without a slash at its end: `/jobs`, or nothing. */
export const base = dataset.base ?? ''

/** The version of the server that sent this page. */
export const build = dataset.version ?? ''

/** Clocks that differ by less than this, in milliseconds, are taken as one: the time of a response has come over a network. */
const toleratedMs = 30_000

/** How far the clock of the server is ahead of that of the browser, in milliseconds. */
let aheadMs = 0

/** Takes note of the time of a response, its header `Date`. */
export function noteServerTime(date: string | null): void {
  const ahead = Date.parse(date ?? '') - Date.now()
  if (Math.abs(ahead - aheadMs) > toleratedMs) aheadMs = ahead
  // A hidden page stands still: what follows the clock would ask again.
  if (!document.hidden) clock.value = serverNow()
}

/** The time by the clock of the server, in milliseconds: what is an hour ago there is not by a browser whose clock is wrong. */
export const serverNow = (): number => Date.now() + aheadMs

/** The clock of all times on the page; it moves with each response, and while the page is seen. */
export const clock = signal(serverNow())
setInterval(() => {
  if (!document.hidden) clock.value = serverNow()
}, 1000)
