/** The metrics of a scrape, each with its lines in the text format of Prometheus. A library would take three times as long for thousands of lines. */
export type MetricTexts = string[]

/** One value of a metric. Values with the same labels are put together, since several groups may be `other`. */
interface Sample {
  /** As `labelText` returns them; empty for a metric without labels. */
  labels: string
  value: number
}

interface Series {
  name: string
  /** A sentence. */
  help: string
  samples: readonly Sample[]
  /** How values with the same labels become one; the sum by default. */
  combine?: (one: number, other: number) => number
}

const sum = (one: number, other: number): number => one + other

/** Adds a value that goes up and down; nothing where there is no value. */
export function addGauge(texts: MetricTexts, series: Series): void {
  if (series.samples.length > 0) add(texts, series, 'gauge', combined(series))
}

/** Adds a value that only grows, as far as the database has it. */
export const addCounter = (texts: MetricTexts, series: Series): void => add(texts, series, 'counter', combined(series))

function add(
  texts: MetricTexts,
  { name, help }: { name: string; help: string },
  type: 'gauge' | 'counter' | 'histogram',
  lines: readonly string[],
): void {
  texts.push([`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n'))
}

/** One line for each set of labels. */
function combined({ name, samples, combine = sum }: Series): string[] {
  const byLabels = new Map<string, number>()
  for (const { labels, value } of samples) {
    const known = byLabels.get(labels)
    byLabels.set(labels, known === undefined ? value : combine(known, value))
  }
  return Array.from(byLabels, ([labels, value]) => line(name, labels, value))
}

/** `name{queue="default",state="queued"} 3` */
const line = (name: string, labels: string, value: number): string =>
  labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`

/** Returns labels as a line has them: `queue="default",state="queued"`. */
export const labelText = (labels: Readonly<Record<string, string | number>>): string =>
  Object.entries(labels)
    .map(([label, value]) => `${label}="${escaped(String(value))}"`)
    .join(',')

const special = /[\\\n"]/

const escaped = (text: string): string =>
  special.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"') : text

interface Distribution {
  /** As `labelText` returns them. */
  labels: string
  /** The sum of all times. */
  seconds: number
  /** How many times are at most each bound and above the one before; the last number is above all bounds. */
  buckets: readonly number[]
}

interface HistogramSeries {
  name: string
  help: string
  bounds: readonly number[]
  samples: readonly Distribution[]
}

/** Adds a histogram. */
export function addHistogram(texts: MetricTexts, series: HistogramSeries): void {
  const { name, bounds, samples } = series
  const lines = mergeSamples(samples).flatMap((sample) => linesOf(name, bounds, sample))
  if (lines.length > 0) add(texts, series, 'histogram', lines)
}

/** The lines of one distribution: the buckets, each with those below it, then sum and count. */
function linesOf(name: string, bounds: readonly number[], { labels, seconds, buckets }: Distribution): string[] {
  let count = 0
  const lines = [...bounds, '+Inf'].map((le, at) => {
    count += buckets[at] ?? 0
    return line(`${name}_bucket`, `${labels},le="${le}"`, count)
  })
  return [...lines, line(`${name}_sum`, labels, seconds), line(`${name}_count`, labels, count)]
}

/** One distribution for each set of labels. */
function mergeSamples(samples: readonly Distribution[]): Distribution[] {
  const byLabels = new Map<string, Distribution>()
  for (const sample of samples) {
    const known = byLabels.get(sample.labels)
    byLabels.set(sample.labels, known ? added(known, sample) : sample)
  }
  return [...byLabels.values()]
}

const added = (one: Distribution, two: Distribution): Distribution => ({
  labels: one.labels,
  seconds: one.seconds + two.seconds,
  buckets: one.buckets.map((count, at) => count + (two.buckets[at] ?? 0)),
})
