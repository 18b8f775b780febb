import type { z } from 'zod'
import { escaped } from '../../text/escape.ts'
import { units } from '../../times/duration.ts'
import { sizeText, whenText } from '../../times/time-and-size.ts'
import { areBeingBuilt } from '../idle-trigger.ts'
import type { storage, Table } from '../storage.ts'
import type { Finding } from './finding.ts'
import { enabling } from './sql.ts'

type Storage = z.output<typeof storage.output>

const dayMs = 1000 * units.d
const large = 1_000_000_000
/** Archive retention runs from time to time, so rows may be this many days older than the limit. */
const daysOfGrace = 2

/** The sizes of the tables, in words; with a hint where the operator should act. `now` is in milliseconds. */
export function findingOfStorage(stored: Storage, now: number): Finding {
  const { archive_days, tables } = stored
  const lines = tables.map((table) => described(table, isArchive(table) ? archive_days : table.days, now))
  const detail = lines.join('; ') || 'the server reports no tables'
  return { detail, ...(lines.length > 0 && { lines }), hint: hintOn(stored, now) }
}

/** What the operator should do first; undefined where all is well. */
function hintOn(stored: Storage, now: number): string | undefined {
  const { archive_before_delete, archive_lacks, archive_days, differing_settings, history_triggers, tables } = stored
  const [differing] = differing_settings
  if (differing) return hintOnSetting(differing)
  const enable = enabling(history_triggers)
  const make = history_triggers?.some(({ state }) => state === 'missing')
    ? 'jobs-server migrate, as the owner of the tables'
    : areBeingBuilt(history_triggers)
      ? 'wait until its triggers are built, after an index of jobs'
      : undefined
  if (enable ?? make)
    return ['the history misses what becomes of jobs', enable, make].filter((part) => part !== undefined).join('; ')
  if (!archive_before_delete)
    return 'a prune cannot be undone; to change that, start the servers so: JOBS_ARCHIVE_BEFORE_DELETE=true jobs-server'
  if (archive_lacks.length > 0) {
    const columns = archive_lacks.map(escaped).join(', ')
    return `jobs_archive lacks the columns ${columns}: its owner must add them, and until then every prune is refused`
  }
  const archive = tables.find(isArchive)
  const age = archive?.oldest ? (now - Date.parse(archive.oldest)) / dayMs : 0
  if (age > archive_days + daysOfGrace) {
    const days = Math.floor(age)
    return `the oldest archived row is ${days} days old, and rows are kept for ${archive_days} days: retention does not run; read the log of the server`
  }
  return hintOnSize(tables)
}

const isArchive = ({ table }: Table): boolean => /archive/.test(table)
/** The table jobs, in any schema. */
const isJobs = ({ table }: Table): boolean => /(^|\.)jobs$/.test(table)

/** `JOBS_ARCHIVE_DAYS differs between the servers on this database: 30 on one:1, 1 on two:2; …` */
function hintOnSetting({ setting, values }: Storage['differing_settings'][number]): string {
  const list = values.map(({ server, value }) => `${escaped(value)} on ${escaped(server)}`).join(', ')
  const where = list === '' ? '' : `: ${list}`
  return `${escaped(setting)} differs between the servers on this database${where}; give all of them the same value`
}

function hintOnSize(tables: readonly Table[]): string | undefined {
  const jobs = tables.find(isJobs)?.bytes ?? 0
  const big = tables.find(
    (table) => !isJobs(table) && table.days === undefined && table.bytes > large && table.bytes > jobs,
  )
  return big && `${escaped(big.table)} is larger than jobs: shorten its retention if its rows are not needed`
}

/** `jobs_archive about 12,345 rows, 45 MB, kept 7 days, oldest 6 days, about 1,763 a day, swept 3m ago`: PostgreSQL estimates the rows. */
function described({ table, rows, bytes, oldest, swept_at }: Table, keptDays: number | undefined, now: number): string {
  const days = oldest === null ? 0 : (now - Date.parse(oldest)) / dayMs
  return [
    `${escaped(table)} about ${rows.toLocaleString('en-US')} rows`,
    sizeText(bytes),
    ...(keptDays === undefined
      ? []
      : [`kept ${keptDays} days`, ...(days >= 1 ? [`oldest ${Math.floor(days)} days`] : [])]),
    ...(days >= 1 && rows > 0 ? [`about ${Math.round(rows / days).toLocaleString('en-US')} a day`] : []),
    ...(swept_at === undefined ? [] : [`swept ${whenText(swept_at, now)}`]),
  ].join(', ')
}
