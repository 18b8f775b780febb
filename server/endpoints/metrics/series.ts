import { Counter, Gauge, Histogram, type LabelValues, type Registry } from 'prom-client'

/** One value of a metric. Values with the same labels are put together, since several groups may be `other`. */
interface Sample<Label extends string> {
  labels: LabelValues<Label>
  value: number
}

interface Series<Label extends string> {
  name: string
  /** A sentence. */
  help: string
  labels?: readonly Label[]
  samples: readonly Sample<Label>[]
  /** How values with the same labels become one; the sum by default. */
  combine?: (one: number, other: number) => number
}

const sum = (one: number, other: number): number => one + other

/** Adds a value that goes up and down; nothing where there is no value. */
export function addGauge<Label extends string = never>(registry: Registry, series: Series<Label>): void {
  if (series.samples.length === 0) return // a gauge without labels would begin with 0
  give(new Gauge(configOf(registry, series)), { ...series, type: 'gauge', values: combined(series) })
}

/** Adds a value that only grows, as far as the database has it. */
export function addCounter<Label extends string = never>(registry: Registry, series: Series<Label>): void {
  give(new Counter(configOf(registry, series)), { ...series, type: 'counter', values: combined(series) })
}

const configOf = <Label extends string>(registry: Registry, { name, help, labels = [] }: Series<Label>) => ({
  ...{ name, help, labelNames: labels, registers: [registry] },
})

/** A value, whose name has its labels already. */
interface Value {
  metricName: string
  value: number
}

interface Given {
  name: string
  help: string
  type: 'gauge' | 'counter' | 'histogram'
  values: readonly Value[]
}

/** Gives values that were counted elsewhere to a metric, ready to be written: thousands of them are, in each scrape. */
const give = (metric: object, { name, help, type, values }: Given) =>
  Object.assign(metric, { getForPromString: async () => ({ name, help, type, values }) })

/** One value for each set of labels. */
function combined<Label extends string>({ name, samples, combine = sum }: Series<Label>): Value[] {
  const byName = new Map<string, number>()
  for (const { labels, value } of samples) {
    const metricName = nameWith(name, labels)
    const known = byName.get(metricName)
    byName.set(metricName, known === undefined ? value : combine(known, value))
  }
  return Array.from(byName, ([metricName, value]) => ({ metricName, value }))
}

/** `name{queue="default",state="queued"}` */
function nameWith(name: string, labels: LabelValues<string>): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${escaped(String(value))}"`)
  return parts.length === 0 ? name : `${name}{${parts.join(',')}}`
}

const special = /[\\\n"]/

const escaped = (text: string): string =>
  special.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"') : text

interface Distribution<Label extends string> {
  labels: LabelValues<Label>
  /** The sum of all times. */
  seconds: number
  /** How many times are at most each bound and above the one before; the last number is above all bounds. */
  buckets: readonly number[]
}

interface HistogramSeries<Label extends string> {
  name: string
  help: string
  labels: readonly Label[]
  bounds: readonly number[]
  samples: readonly Distribution<Label>[]
}

/** Adds a histogram whose buckets were counted elsewhere, which the class of the library cannot be given. */
export function addHistogram<Label extends string>(registry: Registry, series: HistogramSeries<Label>): void {
  const { name, help, bounds, samples } = series
  if (samples.length === 0) return
  const histogram = new Histogram({ name, help, buckets: [...bounds], registers: [registry] })
  const values = together(samples).flatMap((sample) => valuesOf(name, bounds, sample))
  give(histogram, { name, help, type: 'histogram', values })
}

/** The lines of one distribution: the buckets, each with those below it, then sum and count. */
function valuesOf(name: string, bounds: readonly number[], { labels, seconds, buckets }: Distribution<string>) {
  let count = 0
  const lines = [...bounds, '+Inf'].map((le, at) => {
    count += buckets[at] ?? 0
    return { metricName: nameWith(`${name}_bucket`, { ...labels, le }), value: count }
  })
  return [
    ...lines,
    { metricName: nameWith(`${name}_sum`, labels), value: seconds },
    { metricName: nameWith(`${name}_count`, labels), value: count },
  ]
}

/** One distribution for each set of labels. */
function together<Label extends string>(samples: readonly Distribution<Label>[]): Distribution<Label>[] {
  const byLabels = new Map<string, Distribution<Label>>()
  for (const sample of samples) {
    const key = nameWith('', sample.labels)
    const known = byLabels.get(key)
    byLabels.set(key, known ? added(known, sample) : sample)
  }
  return [...byLabels.values()]
}

const added = <Label extends string>(one: Distribution<Label>, two: Distribution<Label>): Distribution<Label> => ({
  labels: one.labels,
  seconds: one.seconds + two.seconds,
  buckets: one.buckets.map((count, at) => count + (two.buckets[at] ?? 0)),
})
