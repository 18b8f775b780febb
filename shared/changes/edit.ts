import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, JobType, optional, Time, wholeNumber } from '../scope.ts'
import { mask } from '../text/mask.ts'
import { repeatedKey } from '../text/repeated-key.ts'
import { isStorable, JobId, Json, words } from '../work/job.ts'
import { documentsOfIds, filteredRequest, spreadSeconds } from './filtered-change.ts'
import { JobsRunAgain } from './retry.ts'

/** The fields of a job that an edit can set beside its payload, with what each can be. */
export const editableFields = {
  priority: wholeNumber(1, 10),
  max_retries: wholeNumber(0, 100),
  available_at: Time,
  owner_user_id: words(128),
  batch_group: words(256),
  job_type: JobType,
}
export type EditableField = keyof typeof editableFields
export const isEditableField = (name: string): name is EditableField => Object.hasOwn(editableFields, name)

/** The fields that an edit can empty. */
const emptiableFields: readonly EditableField[] = ['available_at', 'owner_user_id', 'batch_group']

const fieldNames = Object.keys(editableFields).join(', ')
const mostChanges = 50
/** Names within the payload, in all paths of an edit together. */
const mostNames = 200

/** A text with dots between the names, or the names as a list, which can have dots. */
const isPath = (value: unknown): value is string | string[] =>
  (typeof value === 'string' && value.length <= 1000) ||
  (Array.isArray(value) && value.every((name) => typeof name === 'string') && JSON.stringify(value).length <= 20_000)

/** The names of a path, the first of which is `payload` or a field of the job. */
export const stepsOf = (path: string | readonly string[]): string[] =>
  typeof path === 'string' ? path.split('.') : [...path]

/** Why a path names nothing that an edit can change; undefined where it does. */
function faultOfPath(path: string | string[]): string | undefined {
  const [first = '', ...within] = stepsOf(path)
  if (!isStorable(path)) return 'must be text without NUL or half characters'
  if (isEditableField(first)) return within.length === 0 ? undefined : `${first} has no parts`
  if (first !== 'payload') return `must begin with payload, or be one of ${fieldNames}`
  if (within.length === 0) return 'must name a part of the payload, such as payload.url'
  return typeof path === 'string' && within.some((name) => name === '')
    ? 'must have a name between every two dots'
    : undefined
}

const Path = z
  .custom<string | string[]>(isPath, 'must be a path such as payload.customer.url, or the list of its names')
  .check((context) => {
    const message = faultOfPath(context.value)
    if (message !== undefined) context.issues.push({ code: 'custom', message, input: context.value })
  })
  .meta({ anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] })

const longestNumber = 1000

/** Why a text is no JSON that PostgreSQL keeps; undefined where it is. */
function faultOfJson(text: string): string | undefined {
  try {
    const read = Json.safeParse(JSON.parse(text))
    if (!read.success) return read.error.issues[0]?.message
  } catch {
    return 'must be JSON'
  }
  const bare = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
  const isLong = [...bare.matchAll(/[\d.]+(?:[eE]([+-]?\d+))?/g)].some(
    ([number, exponent = '0']) => number.length > longestNumber || Math.abs(Number(exponent)) > longestNumber,
  )
  return isLong ? `must have numbers of at most ${longestNumber} digits` : undefined
}

/** A column of the type json or text would keep both values, of which readers take one or the other. */
function faultOfKeys(text = ''): string | undefined {
  const key = repeatedKey(text)
  return key === undefined ? undefined : `has the key ${JSON.stringify(key)} twice`
}

const valueFields = {
  path: Path.describe(
    '`payload.<name>.<name>`, or a field of the job: priority, max_retries, available_at, owner_user_id, batch_group, job_type. A list of names where a name has a dot',
  ),
  value: Json.optional().describe('the value, any JSON'),
  json: z
    .string()
    .max(16_777_216)
    .optional()
    .describe('the value as the text of JSON, in place of `value`: for numbers with more digits than programs keep'),
}

/** The text of the JSON of a value. */
export const jsonOfValue = ({ value, json }: { value?: unknown; json?: string | undefined }): string =>
  json ?? JSON.stringify(value)

/** Why a field of the job cannot have this value; undefined where it can. */
function faultOfField(name: EditableField, json: string): string | undefined {
  const read = editableFields[name].safeParse(JSON.parse(json))
  return read.success ? undefined : `${name} ${read.error.issues[0]?.message}`
}

/** Why the value of a path cannot be set, or be compared with; undefined where it can. */
function faultOfValue(given: { path: string | string[]; value?: unknown; json?: string | undefined }) {
  if ((given.value === undefined) === (given.json === undefined)) return 'must be given: one of value and json'
  const json = jsonOfValue(given)
  const [field = ''] = stepsOf(given.path)
  return (
    faultOfJson(json) ??
    faultOfKeys(given.json) ??
    (isEditableField(field) && json !== 'null' ? faultOfField(field, json) : undefined)
  )
}

/** Which field of the request gives the value. */
const placeOf = ({ value, json }: { value?: unknown; json?: string | undefined }): string =>
  value === undefined && json !== undefined ? 'json' : 'value'

/** A path with the value that it is to have, or has. */
export const Valued = z.strictObject(valueFields).check((context) => {
  const message = faultOfValue(context.value)
  if (message !== undefined)
    context.issues.push({ code: 'custom', path: [placeOf(context.value)], message, input: context.value })
})
export type Valued = z.output<typeof Valued>

/** Why a value that there may be cannot be set; undefined where it can. */
function faultOfSetting(given: Valued): string | undefined {
  const json = jsonOfValue(given)
  const [field = ''] = stepsOf(given.path)
  if (json.includes(mask)) return `has ${mask}, which stands for a masked value: nobody can set it`
  return json === 'null' && isEditableField(field) ? `of ${field} cannot be null: unset it` : undefined
}

const listOf = <T extends z.ZodType>(item: T) =>
  z.array(item, 'must be a list').max(mostChanges, `must have at most ${mostChanges} items`)

/** A path with the value that it is to have. */
export const Setting = Valued.check((context) => {
  const message = faultOfSetting(context.value)
  if (message !== undefined)
    context.issues.push({ code: 'custom', path: [placeOf(context.value)], message, input: context.value })
})

/** A path whose value is to be taken away. */
export const Unset = Path.refine(
  (path) => {
    const [field = ''] = stepsOf(path)
    return !isEditableField(field) || emptiableFields.includes(field)
  },
  { error: `cannot be unset: of the fields of a job only ${emptiableFields.join(', ')} can` },
)

interface Changes {
  set?: readonly Valued[] | undefined
  unset?: readonly (string | string[])[] | undefined
  next?: 'retry' | undefined
}

/** The names of all paths that an edit changes. */
export const changedPaths = ({ set = [], unset = [] }: Changes): string[][] => [
  ...set.map(({ path }) => stepsOf(path)),
  ...unset.map(stepsOf),
]

/** True where two changes are about the same value, or one is about a part of the other. */
const overlaps = (changes: Changes): boolean => {
  const paths = changedPaths(changes).sort((one, other) => one.length - other.length)
  return paths.some((path, at) => paths.slice(at + 1).some((other) => path.every((name, nth) => other[nth] === name)))
}

/** The number of names within the payload that an edit changes or compares. */
const namesWithin = (request: Changes & { if?: readonly Valued[] | undefined }): number =>
  [...changedPaths(request), ...changedPaths({ set: request.if })].reduce((sum, path) => sum + path.length - 1, 0)

export const EditRequest = filteredRequest({
  set: optional(listOf(Setting)).describe('the values to set, each with its `path`'),
  unset: optional(listOf(Unset)).describe(
    'the paths of values to take away: keys of the payload, and fields that may be empty',
  ),
  if: optional(listOf(Valued)).describe('only jobs that have these values now'),
  next: optional(z.literal('retry', 'must be retry')).describe(
    '`retry` takes failed and quarantined jobs, too, and runs them again in the same change; without it they are left out',
  ),
  spread_seconds: spreadSeconds,
  limit: wholeNumber(1, 1000)
    .optional()
    .describe('edit at most this number; the answer has their ids and a token for the rest'),
})
  .refine((request) => changedPaths(request).length > 0, {
    path: ['set'],
    message: 'or unset is missing: what is to be changed',
  })
  .refine((request) => namesWithin(request) <= mostNames, {
    path: ['set'],
    message: `must have at most ${mostNames} names within the payload, together with unset and if: make the edit in parts`,
  })
  .refine((request) => !overlaps(request), {
    path: ['set'],
    message: 'must name no value twice, nor a part of one, unset included',
  })
  .refine((request) => request.next !== undefined || request.spread_seconds === undefined, {
    path: ['spread_seconds'],
    message: 'needs next: retry',
  })
  .refine(
    (request) => request.next === undefined || !changedPaths(request).some(([field]) => field === 'available_at'),
    { path: ['next'], message: 'and available_at exclude each other: jobs that run again are due by spread_seconds' },
  )
export type EditRequest = z.output<typeof EditRequest>

/** What becomes of one value of a job; values that look secret are masked, and one that is not there is absent. */
const Difference = z.object({
  path: z.string().describe('The path of the value within the payload, or the name of the field.'),
  before: z.unknown().optional().describe('The value before the edit; absent where there was none.'),
  after: z.unknown().optional().describe('The value after the edit; absent where the edit removes it.'),
})
export type Difference = z.output<typeof Difference>

/** What the preview of an edit says of the jobs that its filter matches, beside those that it would change. */
export const LeftOut = z.object({
  already_so: Count.describe('They have the values already.'),
  not_as_asked: Count.describe('They do not have the values of `if`.'),
  running: Count.describe('Running jobs: their workers have the payload already.'),
  failed: Count.describe('Failed and quarantined jobs, which `next: retry` takes.'),
  ended: Count.describe('Completed and cancelled jobs, which no edit takes.'),
  lack_path: Count.describe('Jobs that would change, and in which a value that is set is not there yet.'),
  other_type: Count.describe('Jobs that would change, and in which a value of another type is there.'),
})
export type LeftOut = z.output<typeof LeftOut>

const EditedJobs = JobsRunAgain.extend({
  left_out: LeftOut.optional().describe('Of a preview; absent where the jobs could not be counted in 5 s.'),
  examples: z
    .array(
      z.object({
        job_id: JobId.describe('The id of the job.'),
        differences: z.array(Difference).describe('What the edit changes in this job.'),
      }),
    )
    .optional()
    .describe('Of a preview: what would change in the first three jobs.'),
})
export type EditedJobs = z.output<typeof EditedJobs>

export const edit = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/edit',
  meaning:
    'Changes values in the payload of queued jobs, and their priority, retries, time, owner, batch and type: `set`, `unset`, each where `if` holds. What is not named stays as it is, digit by digit. Running, completed and cancelled jobs are left out, and so are failed ones without `next: retry`. Needs the right `edit`; `JOBS_EDIT_PATHS` limits the paths, and `owner_user_id` is for admins alone. The record has paths, types and lengths, and no value.',
  needs: 'edit',
  scoped: 'narrowed',
  verb: 'edit',
  input: EditRequest,
  output: EditedJobs,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
