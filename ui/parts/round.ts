/** The next round number, so that the ticks are round: 1, 2, 4, 5, 6, 8 or 10 times a power of ten. */
export function roundUp(height: number, isWhole: boolean): number {
  const unit = 10 ** Math.floor(Math.log10(height))
  const round = unit * ([1, 2, 4, 5, 6, 8, 10].find((times) => times * unit >= height) ?? 10)
  return isWhole ? Math.max(2, round) : round
}

/** Heights of a chart in seconds, of which the half is a round time, too: `30 min` and `15 min`. */
const roundTimes = [
  2, 4, 6, 10, 20, 30, 40, 60, 120, 240, 360, 600, 1200, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
]
const twoDays = 172_800

/** The next round height of a chart of times, in seconds. */
export const roundUpTime = (seconds: number): number =>
  seconds <= 1
    ? roundUp(seconds, false)
    : (roundTimes.find((time) => time >= seconds) ?? twoDays * roundUp(Math.max(1, seconds / twoDays), false))

/** A range of time. */
export interface Range {
  from: string
  to: string
}

/** The distances of times below a chart, in minutes. */
const distances = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 20_160]
const mostTimes = 6

/**
 * Round times, in milliseconds, at the same distance.
 * @param ahead how many minutes the shown clock is ahead of UTC
 */
export function timesWithin({ from, to }: Range, ahead: number): number[] {
  const [begin, end] = [from, to].map((time) => Date.parse(time) / 60_000 + ahead)
  if (begin === undefined || end === undefined) return []
  const distance = distances.find((minutes) => (end - begin) / minutes <= mostTimes) ?? (end - begin) / mostTimes
  const first = distance * Math.ceil(begin / distance)
  return Array.from(
    { length: Math.floor((end - first) / distance) + 1 },
    (_none, nth) => 60_000 * (first + nth * distance - ahead),
  )
}
