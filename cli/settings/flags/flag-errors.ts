import type { z } from 'zod'
import { Failure, type Fault } from '../../../shared/errors.ts'
import { faultsOf } from '../../../shared/faults.ts'
import { durationText } from '../../text/duration.ts'
import { flagOfField } from './filter-flags.ts'

/** The flags of the fields of the API. */
const flags = new Map([
  ...flagOfField,
  ['domain', '--domain'],
  ['queue', '--queue'],
  ['job_type', '--job-type'],
  ['older_than_days', '--older-than'],
  ['statuses', '--status'],
  ['since', '--since'],
  ['until', '--until'],
  ['from', '--since'],
  ['to', '--until'],
  ['hold_until', '--hold'],
  ['operation_id', '--operation'],
  ['sort_by', '--sort'],
  ['age_seconds', '--age'],
  ['runtime_seconds', '--runtime'],
  ['action', '--action'],
  ['max', '--max'],
  ['job_id', '<id>'],
  ['ids', '<id>'],
  ['worker_prefix', '--worker'],
  ['spread_seconds', '--spread'],
  ['delay_seconds', '--in'],
  ['by_seconds', '--by'],
  ['reason', '--reason'],
  ['after_id', '--after'],
  ['limit', '--limit'],
  ['payload', '--payload'],
  ['priority', '--priority'],
  ['max_retries', '--max-retries'],
  ['quarantine_threshold', '--quarantine-threshold'],
  ['available_at', '--delay'],
  ['idempotency_key', '--idempotency-key'],
  ['unique', '--unique'],
  ['fix', '--fix'],
  ['step', '--step'],
  ['kind', '--kind'],
  ['state', '--state'],
  ['expect', '--expect'],
  ['id', '<operation>'],
  ['name', '<name>'],
  ['role', '--role'],
  ['scope', '--domain, --queue or --job-type'],
  ['may_enqueue', '--may-enqueue'],
  ['principal', '--principal'],
  ['expires', '--expires'],
  ['overlap_seconds', '--overlap'],
  ['set', '--set'],
  ['preview_token', 'the preview'],
])

/** Faults with the names of flags in place of fields. */
export const inFlagNames = (faults: readonly Fault[]): string =>
  faults
    .map(({ path, message }) => `${flags.get(path.split('.')[0] ?? '') ?? path}: ${inUnits(path, message)}`)
    .filter((line, at, lines) => lines.indexOf(line) === at)
    .join('\n  ')

/** The message about a field in seconds, with its limit as the flag takes it: `3660d` for 316224000. */
const inUnits = (path: string, message: string): string =>
  path.endsWith('_seconds')
    ? message.replace(/^(must be at (?:least|most)) (-?)(\d+)$/, (_all, least: string, sign: string, limit: string) => {
        return `${least} ${sign}${durationText(Number(limit))}`
      })
    : message

/**
 * Parses the values of flags with the schema of the API.
 * @throws Failure `usage` with every fault, in flag names
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, fields: unknown): z.output<Schema> {
  const read = schema.safeParse(fields, { reportInput: true })
  if (read.success) return read.data
  throw new Failure('usage', inFlagNames(faultsOf(read.error)))
}
