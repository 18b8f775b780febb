import type { Bench } from './bench.ts'

/** The measurements of both sides, one number for each round, in the unit of the figure. */
export interface Pair {
  ours: readonly number[]
  against: readonly number[]
  /** A sentence that the report prints below the table. */
  note?: string
}

/** A comparison of the product with a baseline: one row of the table. */
export interface Figure {
  name: string
  /** The name of the baseline. */
  against: string
  unit: 'ms' | 'calls/s' | 'jobs/s' | 'MB'
  /** How the ratio is computed. A figure that is reported as "times faster" has our side as the divisor. */
  ratio: 'ours / against' | 'against / ours'
  /** The limit of the ratio; absent when the figure has no target. */
  target?: { atLeast: number } | { atMost: number }
  /**
   * Measures both sides alternately.
   * @returns the measurements, or a sentence that says why there is no baseline to compare with
   * @throws Error when the measurement fails, which fails this figure and no other figure
   */
  measure: (bench: Bench) => Promise<Pair | string>
}

/** The result of a figure, as the JSON file of the run has it. `ours`, `theirs` and `samples` are in `unit`. */
export interface Measured {
  figure: string
  against: string
  unit: string
  ours?: number
  theirs?: number
  ratio?: number
  /** The target of the ratio, such as `≥ 50`; absent when the figure has no target. */
  reach?: string
  /** True when the ratio meets the target. */
  reached?: boolean
  note?: string
  /** The message of the error that ended the measurement. */
  failed?: string
  samples?: { ours: readonly number[]; theirs: readonly number[] }
}

/** Returns the middle value, or the mean of the two middle values when their number is even. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('the figure has no measurements')
  return (low + high) / 2
}

/** Measures a figure. An error is not thrown: its message is in the field `failed` of the result. */
export async function measureFigure(bench: Bench, { measure, ...figure }: Figure): Promise<Measured> {
  const row = { figure: figure.name, against: figure.against, unit: figure.unit }
  const target = figure.target && describeTarget(figure.target)
  try {
    const pair = await measure(bench)
    if (typeof pair === 'string') return { ...row, ...(target && { reach: target.text }), note: pair }
    const [ours, theirs] = [median(pair.ours), median(pair.against)]
    const ratio = figure.ratio === 'ours / against' ? ours / theirs : theirs / ours
    return {
      ...row,
      ...{ ours, theirs, ratio },
      ...(target && { reach: target.text, reached: target.isMet(ratio) }),
      ...(pair.note !== undefined && { note: pair.note }),
      samples: { ours: pair.ours, theirs: pair.against },
    }
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error)
    return { ...row, ...(target && { reach: target.text }), failed }
  }
}

const describeTarget = (target: { atLeast: number } | { atMost: number }) =>
  'atLeast' in target
    ? { text: `≥ ${target.atLeast}`, isMet: (ratio: number) => ratio >= target.atLeast }
    : { text: `≤ ${target.atMost}`, isMet: (ratio: number) => ratio <= target.atMost }
