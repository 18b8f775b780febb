import { undo } from '../../../shared/changes/undo.ts'
import { Failure } from '../../../shared/errors.ts'
import { listOperations, type OperationRecord } from '../../../shared/records/records.ts'
import type { Scope } from '../../../shared/scope.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Client } from '../../http/client.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { describeScope } from '../../settings/flags/scope-flags.ts'

/** Whose operations, and since when in ISO 8601. */
interface Selecting {
  caller: string
  since: string
  /** The part of each operation that is meant. */
  scope: Scope
}

/** An operation that no undo takes back, and why, as a clause. */
interface Left {
  id: number
  kind: string
  why: string
  /** How many jobs it changed that stay so; 0 where undos have given them back, and of an undo. */
  jobs: number
}

/** What a caller did: operations that an undo can give jobs back of, the newest first, and those of which it cannot. */
export interface CallerOperations extends Selecting {
  records: readonly OperationRecord[]
  left: readonly Left[]
}

/** Each operation is previewed: more of them are undone in parts. */
const mostOperations = 200

/**
 * Finds the operations of a caller that changed jobs, and asks for each whether it can be undone. Nothing is changed.
 * @throws Failure `usage` for more operations than one preview takes; `not_found` where there is none, `conflict` where none can be
 *   undone; any failure of the server
 */
export async function operationsOfCaller(client: Client, selecting: Selecting): Promise<CallerOperations> {
  const { caller, since } = selecting
  const changing = (await changesOf(client, selecting)).filter((record) => meets(record, selecting.scope))
  if (changing.length > mostOperations) {
    throw new Failure(
      'usage',
      `more than ${mostOperations} operations of this caller since ${since}; nothing was changed`,
      {
        hint: 'give a later --since, and go on from there',
      },
    )
  }
  const records: OperationRecord[] = []
  const left: Left[] = []
  for (const record of changing) {
    const why = await whyLeft(client, record, { ...selecting, hasNewer: records.length > 0 })
    if (why === undefined) records.push(record)
    else if (why !== nothingOfScope) left.push({ id: record.id, kind: record.kind, why, jobs: jobsLeft(record) })
  }
  if (records.length > 0) return { ...selecting, records, left }
  if (left.length === 0)
    throw new Failure(
      'not_found',
      `${escaped(caller)} has changed no job${inScope(selecting.scope)} since ${since}; nothing was changed`,
    )
  const reasons = left.map(({ id, kind, why }) => `operation ${id} (${escaped(kind)}): ${escaped(why)}`)
  throw new Failure(
    'conflict',
    `nothing that ${escaped(caller)} did since ${since} can be undone; nothing was changed`,
    {
      hint: reasons.join('; '),
    },
  )
}

/** The largest page of a list. */
const pageSize = 1000

/** The changes of the caller, or more than the most. A caller may have made any number of acts, which are no changes, since then. */
async function changesOf(client: Client, { caller, since }: Selecting): Promise<OperationRecord[]> {
  const request = { caller, since, limit: String(pageSize) }
  parseInput(listOperations.input, request)
  const changing: OperationRecord[] = []
  for (let before = {}; changing.length <= mostOperations; ) {
    const { body } = await client.call(listOperations, { ...request, ...before })
    changing.push(...body.filter(({ affected, state }) => affected > 0 || state === 'running'))
    const last = body.at(-1)
    if (!last || body.length < pageSize) break
    before = { before_id: String(last.id) }
  }
  return changing
}

/** Whether an operation may have changed jobs of the scope. One over all domains may have. */
const meets = (record: OperationRecord, scope: Scope): boolean =>
  (['domain', 'queue', 'job_type'] as const).every(
    (name) => scope[name] === undefined || record[name] === null || record[name] === scope[name],
  )

const hasScope = (scope: Scope): boolean => Object.values(scope).some((name) => name !== undefined)

const inScope = (scope: Scope): string => (hasScope(scope) ? ` in ${describeScope(scope)}` : '')

/** Stands for the reason of an operation that has no job in the scope, which nobody needs to be told. */
const nothingOfScope = 'nothing of the scope'

const jobsLeft = ({ kind, state, affected }: OperationRecord): number =>
  kind === 'undo' || state === 'undone' ? 0 : affected

interface Asked extends Selecting {
  /** Whether a newer operation is undone before this one: what that gives back, this one may give back, too. */
  hasNewer: boolean
}

/** Why an operation is not undone, as a clause; undefined where an undo gives back at least one of its jobs, or may do so in its turn. */
async function whyLeft(
  client: Client,
  { id, state, undone_by, no_way_back }: OperationRecord,
  { scope, hasNewer }: Asked,
): Promise<string | undefined> {
  if (state === 'running') return 'it is still running'
  if (state === 'undone') return `it was undone by operation ${undone_by}`
  if (typeof no_way_back === 'string') return no_way_back
  const preview = await client.call(undo, { id: String(id), ...scope, dry_run: true }).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'conflict') return error
    throw error
  })
  if (preview instanceof Failure) return preview.message.replace(/; nothing was changed$/, '')
  const { affected, conflict_count } = preview.body
  if (affected > 0 || (hasNewer && conflict_count > 0)) return undefined
  return conflict_count === 0 && hasScope(scope) ? nothingOfScope : 'none of its jobs can be given back'
}
