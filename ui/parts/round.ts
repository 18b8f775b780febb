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
 * Round times by the shown clock, in milliseconds, at the same distance by that clock. A time that the clock passes over is left out; one that it
 * has twice is there twice where the distance is an hour at most, else once.
 * @param aheadAt how many minutes the shown clock is ahead of UTC at a time
 */
export function timesWithin({ from, to }: Range, aheadAt: (time: number) => number): number[] {
  const [begin, end] = [Date.parse(from), Date.parse(to)]
  const clockAt = (time: number) => time / 60_000 + aheadAt(time)
  const minutes = (end - begin) / 60_000
  const distance = distances.find((one) => minutes / one <= mostTimes) ?? minutes / mostTimes
  const nthFirst = Math.ceil((clockAt(begin) - mostSetBack) / distance)
  const clocks = Array.from(
    { length: Math.floor((clockAt(end) + mostSetBack) / distance) - nthFirst + 1 },
    (_none, nth) => distance * (nthFirst + nth),
  )
  return clocks
    .flatMap((clock) => {
      // What the clock is ahead a day before and a day after: between the two it changes once at most.
      const offsets = new Set([clock - aDay, clock + aDay].map((around) => aheadAt(60_000 * around)))
      return [...offsets]
        .map((offset) => ({ offset, time: 60_000 * (clock - offset) }))
        .filter(({ offset, time }) => begin <= time && time <= end && aheadAt(time) === offset)
        .map(({ time }) => time)
        .slice(0, distance <= 60 ? 2 : 1)
    })
    .toSorted((one, other) => one - other)
}

/** In minutes; by how much a clock is set back at most, too. */
const [aDay, mostSetBack] = [1440, 120]
