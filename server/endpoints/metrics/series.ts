/** The metrics of a scrape, each with its lines in the text format of Prometheus. A library would take three times as long for thousands of lines. */
export type MetricTexts = string[]

type Labels<Label extends string> = Partial<Record<Label, string | number>>

/** One value of a metric. Values with the same labels are put together, since several groups may be `other`. */
interface Sample<Label extends string> {
  labels: Labels<Label>
  value: number
}

interface Series<Label extends string> {
  name: string
  /** A sentence. */
  help: string
  samples: readonly Sample<Label>[]
  /** How values with the same labels become one; the sum by default. */
  combine?: (one: number, other: number) => number
}

const sum = (one: number, other: number): number => one + other

/** Adds a value that goes up and down; nothing where there is no value. */
export function addGauge<Label extends string = never>(texts: MetricTexts, series: Series<Label>): void {
  if (series.samples.length > 0) add(texts, series, 'gauge', combined(series))
}

/** Adds a value that only grows, as far as the database has it. */
export const addCounter = <Label extends string = never>(texts: MetricTexts, series: Series<Label>): void =>
  add(texts, series, 'counter', combined(series))

function add(
  texts: MetricTexts,
  { name, help }: { name: string; help: string },
  type: 'gauge' | 'counter' | 'histogram',
  lines: readonly string[],
): void {
  texts.push([`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n'))
}

/** One line for each set of labels. */
function combined<Label extends string>({ name, samples, combine = sum }: Series<Label>): string[] {
  const byName = new Map<string, number>()
  for (const { labels, value } of samples) {
    const series = nameWith(name, labels)
    const known = byName.get(series)
    byName.set(series, known === undefined ? value : combine(known, value))
  }
  return Array.from(byName, ([series, value]) => `${series} ${value}`)
}

/** `name{queue="default",state="queued"}` */
function nameWith(name: string, labels: Labels<string>): string {
  let text = ''
  for (const [label, value] of Object.entries(labels))
    text += `${text === '' ? '' : ','}${label}="${escaped(String(value))}"`
  return text === '' ? name : `${name}{${text}}`
}

const special = /[\\\n"]/

const escaped = (text: string): string =>
  special.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"') : text

interface Distribution<Label extends string> {
  labels: Labels<Label>
  /** The sum of all times. */
  seconds: number
  /** How many times are at most each bound and above the one before; the last number is above all bounds. */
  buckets: readonly number[]
}

interface HistogramSeries<Label extends string> {
  name: string
  help: string
  bounds: readonly number[]
  samples: readonly Distribution<Label>[]
}

/** Adds a histogram. */
export function addHistogram<Label extends string>(texts: MetricTexts, series: HistogramSeries<Label>): void {
  const { name, bounds, samples } = series
  const lines = together(samples).flatMap((sample) => linesOf(name, bounds, sample))
  if (lines.length > 0) add(texts, series, 'histogram', lines)
}

/** The lines of one distribution: the buckets, each with those below it, then sum and count. */
function linesOf(
  name: string,
  bounds: readonly number[],
  { labels, seconds, buckets }: Distribution<string>,
): string[] {
  let count = 0
  const lines = [...bounds, '+Inf'].map((le, at) => {
    count += buckets[at] ?? 0
    return `${nameWith(`${name}_bucket`, { ...labels, le })} ${count}`
  })
  return [...lines, `${nameWith(`${name}_sum`, labels)} ${seconds}`, `${nameWith(`${name}_count`, labels)} ${count}`]
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
