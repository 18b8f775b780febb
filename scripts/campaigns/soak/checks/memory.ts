import type { Verdict } from '../../verdict.ts'
import type { Sample } from '../samples.ts'

/** Memory counts from this time on, in seconds; in a short run from the first third on. */
const longestWarmUp = 300
/** How fast memory may grow, in MiB an hour, by which runs of at least so many seconds are judged. */
const [mostAnHour, longEnough] = [30, 2400]
/** How much more the last third of a shorter run may have than the first one, in MiB: as much as the garbage collector lets it vary. */
const mostMore = 64
/** No server may ever have more, in MiB. */
const mostEver = 300

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

/** The least memory of each minute: what is left after the garbage collector. */
function floorOf(samples: readonly Sample[]): Sample[] {
  const least = new Map<number, Sample>()
  for (const sample of samples) {
    const minute = Math.floor(sample.at / 60)
    if (sample.memory < (least.get(minute)?.memory ?? Number.POSITIVE_INFINITY)) least.set(minute, sample)
  }
  return [...least.values()]
}

/** The slope of a line through the samples by least squares, in MiB an hour. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, one) => sum + of(one), 0) / samples.length
  const [at, memory] = [mean((one) => one.at), mean((one) => one.memory)]
  const spread = samples.reduce((sum, one) => sum + (one.at - at) ** 2, 0)
  return (samples.reduce((sum, one) => sum + (one.at - at) * (one.memory - memory), 0) / spread) * 3600
}

/** Checks the memory of the process `pid`, which lived longest, and the highest memory of all. The line says what it was. */
export function checkMemory(all: readonly Sample[], pid: number | undefined): { verdict: Verdict; line: string } {
  const own = all.filter((sample) => sample.pid === pid)
  const began = own[0]?.at ?? 0
  const length = (own.at(-1)?.at ?? 0) - began
  const settled = own.filter(({ at }) => at >= began + Math.min(longestWarmUp, length / 3))
  const third = Math.ceil(settled.length / 3)
  const medianOf = (part: readonly Sample[]) => median(part.map(({ memory }) => memory))
  const [first, last] = [medianOf(settled.slice(0, third)), medianOf(settled.slice(-third))]
  const slope = slopeOf(floorOf(settled))
  const highest = all.reduce((most, { memory }) => Math.max(most, memory), 0)
  const isLong = length >= longEnough
  const wrong: string[] = []
  if (settled.length < 9) wrong.push('the server did not live long enough to be watched')
  else if (isLong && slope > mostAnHour) wrong.push(`memory grows by ${slope.toFixed(1)} MiB an hour`)
  else if (last - first > mostMore) wrong.push(`memory has grown from ${first.toFixed(0)} to ${last.toFixed(0)} MiB`)
  if (highest > mostEver) wrong.push(`a server had ${highest.toFixed(0)} MiB`)
  const line =
    `memory of the watched server: ${first.toFixed(0)} MiB after its warm-up, ${last.toFixed(0)} MiB at the end of ${(length / 60).toFixed(0)} min, ` +
    `${slope.toFixed(1)} MiB an hour by the least of each minute; the most of any server: ${highest.toFixed(0)} MiB`
  const limit = isLong ? `at most ${mostAnHour} MiB an hour more` : `at most ${mostMore} MiB more at the end`
  const claim = `memory stays flat: ${limit}, never above ${mostEver} MiB`
  return { line, verdict: { claim, looked: settled.length, wrong } }
}
