import * as z from 'zod'
import { type Reports, reportChecks } from '../../../shared/doctor/checks.ts'
import type { Finding } from '../../../shared/doctor/findings/finding.ts'
import { idleIndexes } from '../../../shared/doctor/idle-indexes.ts'
import { missingIndexes } from '../../../shared/doctor/missing-indexes.ts'
import { storage } from '../../../shared/doctor/storage.ts'
import { cleanText } from '../agents/texts.ts'

/** What is said in place of a text that an agent is not given. */
const withheld = 'withheld'

const Database = storage.output.extend({
  differing_settings: z
    .array(z.object({ setting: z.string() }))
    .default([])
    .transform((settings) => settings.map(({ setting }) => ({ setting, values: [] }))),
})
const Policy = z.object({
  applied: z
    .object({ caller: z.string() })
    .transform(({ caller }) => ({ name: caller }))
    .nullable(),
  stopped: z
    .boolean()
    .optional()
    .transform((stopped) => (stopped ? withheld : null)),
  author_until: z.string().nullable(),
  rules: z.array(
    z.object({
      name: z.string(),
      next_at: z.string(),
      last: z.object({ state: z.string(), problem: z.string().nullable().default(withheld) }).nullable(),
    }),
  ),
  broken: z.array(z.object({ name: z.string(), problem: z.string() })).optional(),
})

/** A warning of `jobsctl doctor`. Its sentences have clauses and names of the database, which strangers may have written. */
interface Warning {
  check: string
  detail: { untrusted_text: string }
  hint: { untrusted_text: string }
}

/** The JSON schema of a list of warnings. */
export const warningsSchema = (text: object) => ({
  type: 'array',
  items: {
    type: 'object',
    properties: { check: { type: 'string' }, detail: text, hint: text },
    required: ['check', 'detail', 'hint'],
    additionalProperties: false,
  },
})

/**
 * What `jobsctl doctor` warns of, in its sentences. They are made of what the agent was given of the reports, and tell nothing else.
 * @param reports the answers of `storage`, `idleIndexes`, `missingIndexes` and `showPolicy`, by the names that the overview gives them
 * @param now in milliseconds
 */
export function warningsOf(reports: Record<string, unknown>, now: number): Warning[] {
  const database = told(Database, reports.database)
  const policy = told(Policy, reports.policy)
  const given: { [Of in keyof Reports]: Reports[Of] | undefined } = {
    database,
    // An agent compares no counts with the jobs.
    counts: database?.counts && { ...database.counts, wrong: 0 },
    idle_indexes: told(idleIndexes.output, reports.idle_indexes),
    missing_indexes: told(missingIndexes.output, reports.missing_indexes),
    event_cursors: undefined,
    policy: policy && { ...policy, problem: policy.stopped },
  }
  return reportChecks(({ name, of, judge }) => {
    const report = given[of]
    return report === undefined ? [] : warningIn(name, judge(report, now))
  }).flat()
}

const warningIn = (check: string, { detail, hint }: Finding): Warning[] =>
  hint === undefined ? [] : [{ check, detail: untrusted(detail), hint: untrusted(hint) }]

const untrusted = (text: string) => ({ untrusted_text: cleanText(text) })

const Untrusted = z.strictObject({ untrusted_text: z.string() })

/** A report as its schema has it; a text that the agent is not given is `withheld`. Undefined where the agent is not given the report. */
function told<T extends z.ZodType>(schema: T, given: unknown): z.output<T> | undefined {
  if (given === undefined) return undefined
  const report: unknown = JSON.parse(JSON.stringify(given), (_name, value: unknown) => {
    const { data } = Untrusted.safeParse(value)
    return data ? data.untrusted_text : value
  })
  const { error } = schema.safeParse(report)
  for (const issue of error?.issues ?? [])
    if (issue.code === 'invalid_type' && issue.expected === 'string') putWithheld(report, issue.path)
  return schema.safeParse(report).data
}

function putWithheld(report: unknown, path: readonly PropertyKey[]): void {
  const [name, ...rest] = path
  if (typeof report !== 'object' || report === null || name === undefined) return
  if (rest.length > 0) putWithheld(Reflect.get(report, name), rest)
  else if (!Object.hasOwn(report, name)) Reflect.set(report, name, withheld)
}
