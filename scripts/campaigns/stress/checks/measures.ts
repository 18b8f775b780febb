import Table from 'cli-table3'
import { only } from '../journal.ts'
import type { Evidence } from './evidence.ts'
import { grouped } from './grouped.ts'

/** Prints counts and latencies of calls, jobs and events, which show how much the run has tested. */
export function printMeasures({ entries, events, jobs }: Evidence): void {
  const calls = grouped(only(entries, 'call'), ({ path }) => path)
  const table = new Table({
    head: ['call', 'count', 'median ms', 'p99 ms', 'max ms', 'responses other than 200'],
    style: { head: [], border: [] },
  })
  for (const [path, made] of [...calls].sort()) {
    const ms = made.map(({ began, ended }) => ended - began).sort((a, b) => a - b)
    const at = (share: number) => ms[Math.floor((ms.length - 1) * share)] ?? 0
    table.push([path.replace('/api/v1/jobs', '…'), ms.length, at(0.5), at(0.99), at(1), othersOf(made)])
  }
  console.log(table.toString())
  console.log(`jobs: ${counted([...jobs.values()].map(({ status }) => status))}`)
  console.log(`events: ${counted(events.map(({ event_type }) => event_type))}`)
  const rejected = only(entries, 'finished').filter(({ ok }) => !ok)
  console.log(`rejected finishes: ${counted(rejected.map(({ outcome }) => outcome))}`)
}

const othersOf = (calls: readonly { outcome: number | string; code?: string | undefined }[]): string =>
  counted(calls.filter(({ outcome }) => outcome !== 200).map(({ outcome, code }) => code ?? String(outcome)))

const counted = (words: readonly string[]): string =>
  [...grouped(words, (word) => word)].map(([word, all]) => `${word} ${all.length}`).join(', ')
