import * as z from 'zod'
import type { PressureLimits } from '../../call.ts'
import type { Readings } from './read-metrics.ts'
import { addCounter, addGauge, labelText, type MetricTexts } from './series.ts'

/** Adds the metrics of the whole database. */
export function addDatabase(texts: MetricTexts, readings: Readings, { archiveBytes }: PressureLimits): void {
  addWhole(texts, readings)
  addOperations(texts, readings)
  addChecks(texts, readings)
  addGauge(texts, {
    name: 'jobsctl_table_bytes',
    help: 'Size of a table with its partitions on the disk: its rows, its indexes, and the long values that are kept apart.',
    samples: readings.sizes.flatMap(({ table, ...parts }) =>
      (['rows', 'indexes', 'toast'] as const).map((part) => ({
        labels: labelText({ table, part }),
        value: parts[part],
      })),
    ),
  })
  addGauge(texts, {
    name: 'jobsctl_archive_max_bytes',
    help: 'Size of the archive above which a prune waits (JOBS_ARCHIVE_MAX_BYTES).',
    samples: archiveBytes === undefined ? [] : [{ labels: '', value: archiveBytes }],
  })
}

function addWhole(texts: MetricTexts, { whole, counted, areCountsExact, plansWaiting }: Readings): void {
  const single = (name: string, help: string, value: number) =>
    addGauge(texts, { name, help, samples: [{ labels: '', value }] })
  if (counted) {
    single('jobsctl_retrying_jobs', 'Queued jobs that have failed before, up to 10,000.', counted.retrying)
    single('jobsctl_expired_leases', 'Running jobs whose lease has expired, up to 10,000.', counted.expired)
  }
  single('jobsctl_operations_running', 'Bulk changes that are running.', whole.running)
  single('jobsctl_plans_waiting', 'Plans that wait for a second person.', plansWaiting)
  single(
    'jobsctl_counts_exact',
    'Is 1 while the counts that triggers keep are exact, and 0 while the jobs are being counted again.',
    Number(areCountsExact),
  )
  single(
    'jobsctl_events_watermark_lag_seconds',
    'Age of the oldest open transaction that writes events: readers do not get the events after it yet.',
    whole.watermark_lag,
  )
  single(
    'jobsctl_oldest_transaction_age_seconds',
    'Age of the oldest open transaction in the database, as far as the role of the server may see it.',
    whole.oldest_transaction,
  )
  if (whole.history_age !== null)
    single('jobsctl_history_age_seconds', 'Time since history was on for the first time.', whole.history_age)
}

function addOperations(texts: MetricTexts, { operations }: Readings): void {
  addCounter(texts, {
    name: 'jobsctl_operations_total',
    help: 'Bulk changes and acts on record, by the state in which they ended.',
    samples: operations.map(({ kind, state, operations: value }) => ({ labels: labelText({ kind, state }), value })),
  })
  addCounter(texts, {
    name: 'jobsctl_operation_jobs_total',
    help: 'Jobs that bulk changes on record have changed.',
    samples: operations.map(({ kind, jobs: value }) => ({ labels: labelText({ kind }), value })),
  })
}

/** What a check of this version found; a newer version may find something else. */
const Found = z.record(z.string(), z.number()).catch({})

function addChecks(texts: MetricTexts, { tasks, whole }: Readings): void {
  const foundBy = (name: string) => Found.parse(tasks.find(({ task }) => task === name)?.found)
  addGauge(texts, {
    name: 'jobsctl_integrity_violations',
    help: 'Jobs whose lease contradicts their state, as the last check in the background found them, up to 10,000 of a kind.',
    samples: Object.entries(foundBy('integrity')).map(([check, value]) => ({ labels: labelText({ check }), value })),
  })
  const { intact } = foundBy('records')
  addGauge(texts, {
    name: 'jobsctl_records_intact',
    help: 'Is 1 where the last check in the background found every record as it was sealed, and 0 where it did not.',
    samples: intact === undefined ? [] : [{ labels: '', value: intact }],
  })
  const { counts_checked } = whole
  addGauge(texts, {
    name: 'jobsctl_background_last_success_timestamp_seconds',
    help: 'When a task in the background last succeeded on any server.',
    samples: [
      ...tasks.map(({ task, succeeded: value }) => ({ labels: labelText({ task }), value })),
      ...(counts_checked === null ? [] : [{ labels: labelText({ task: 'counts' }), value: counts_checked }]),
    ],
  })
}
