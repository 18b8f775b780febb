import type { Bench } from './bench.ts'

/** What was measured of the two sides, round by round. */
export interface Pair {
  ours: readonly number[]
  against: readonly number[]
  /** What a reader of the numbers should know. */
  note?: string
}

/** One line of the table. */
export interface Figure {
  name: string
  /** What it is measured against. */
  against: string
  unit: 'ms' | 'calls/s' | 'jobs/s' | 'MB'
  /** How the two make the ratio: what is told as "times faster" has its own side below the line. */
  ratio: 'ours / against' | 'against / ours'
  /** Where the ratio should be; absent where it is only told. */
  reach?: { atLeast: number } | { atMost: number }
  /**
   * Measures both sides in turn. Nothing to compare is a sentence that says why.
   * @throws Error when it could not be measured, which fails the figure and no other
   */
  measure: (bench: Bench) => Promise<Pair | string>
}

/** A figure, measured or not. */
export interface Measured {
  figure: string
  against: string
  unit: string
  ours?: number
  theirs?: number
  ratio?: number
  reach?: string
  reached?: boolean
  note?: string
  /** Why there are no numbers. */
  failed?: string
  samples?: { ours: readonly number[]; theirs: readonly number[] }
}

/** The one in the middle; of an even number the mean of both. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('nothing was measured')
  return (low + high) / 2
}

/** Measures a figure; what it throws is told in its row. */
export async function measured(bench: Bench, { measure, ...figure }: Figure): Promise<Measured> {
  const row = { figure: figure.name, against: figure.against, unit: figure.unit }
  const reach = figure.reach && reachOf(figure.reach)
  try {
    const pair = await measure(bench)
    if (typeof pair === 'string') return { ...row, ...(reach && { reach: reach.told }), note: pair }
    const [ours, theirs] = [median(pair.ours), median(pair.against)]
    const ratio = figure.ratio === 'ours / against' ? ours / theirs : theirs / ours
    return {
      ...row,
      ...{ ours, theirs, ratio },
      ...(reach && { reach: reach.told, reached: reach.holds(ratio) }),
      ...(pair.note !== undefined && { note: pair.note }),
      samples: { ours: pair.ours, theirs: pair.against },
    }
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error)
    return { ...row, ...(reach && { reach: reach.told }), failed }
  }
}

const reachOf = (reach: { atLeast: number } | { atMost: number }) =>
  'atLeast' in reach
    ? { told: `≥ ${reach.atLeast}`, holds: (ratio: number) => ratio >= reach.atLeast }
    : { told: `≤ ${reach.atMost}`, holds: (ratio: number) => ratio <= reach.atMost }
