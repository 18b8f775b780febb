import { readFile, stat } from 'node:fs/promises'
import * as z from 'zod'
import { Preview } from '../../shared/changes/bulk-change.ts'
import { bulkKinds } from '../../shared/changes/kinds.ts'
import { Failure } from '../../shared/errors.ts'
import { faultsOf } from '../../shared/faults.ts'
import { quoted } from '../../shared/text/shell.ts'
import { earliest } from '../../shared/times/earliest.ts'
import type { Context } from '../context.ts'
import { replaceFile } from '../settings/config-file.ts'
import { isSameRoot } from '../settings/server-url.ts'
import type { Target } from '../settings/target.ts'
import { readText } from '../settings/text-file.ts'
import { fileErrorText } from '../system.ts'
import type { ChangeRun, Previewed } from './change.ts'

/** A previewed change as a file, to be confirmed and applied later. */
export const Plan = z.strictObject({
  /** The version of this format. */
  jobsctl_plan: z.literal(1),
  operation: z.enum(bulkKinds),
  /** The root of the server that made the preview; the plan is applied there only. */
  url: z.url(),
  made_at: z.iso.datetime(),
  /** When the first of its previews expires. */
  expires_at: z.string(),
  /** The words of the command line, without the flags for the target. */
  words: z.array(z.string()).min(1),
  /** The `--max` and `--reason` of the preview, which `apply` keeps unless it is given its own. */
  max: z.number().int().positive().optional(),
  reason: z.string().optional(),
  calls: z.array(z.strictObject({ request: z.record(z.string(), z.unknown()), preview: Preview })),
})
export type Plan = z.output<typeof Plan>

const AnyPlan = z.looseObject({ jobsctl_plan: z.number() })

/**
 * Reads a plan.
 * @throws Failure `usage` for a file that is no plan, or cannot be read
 */
export async function readPlan(path: string, context: Context): Promise<Plan> {
  const raw = await jsonOf(path, context)
  const any = AnyPlan.safeParse(raw)
  if (!any.success) throw new Failure('usage', `${path} is not a plan`, { hint: makeOne })
  if (any.data.jobsctl_plan !== 1) {
    throw new Failure(
      'usage',
      `${path} is a plan of version ${any.data.jobsctl_plan}, and this jobsctl knows version 1`,
      {
        hint: makeOne,
      },
    )
  }
  const read = Plan.safeParse(raw, { reportInput: true })
  if (read.success) return read.data
  const faults = faultsOf(read.error).map((fault) => `${fault.path || 'the file'}: ${fault.message}`)
  throw new Failure('usage', `${path} is not a valid plan\n  ${faults.join('\n  ')}`, { hint: makeOne })
}

const makeOne = 'a dry run makes a plan: jobsctl prune --domain chatbooks --dry-run --plan-out plan.json'

async function jsonOf(path: string, { io, settings }: Context): Promise<unknown> {
  const text = await readText(path, { signal: io.signal, timeoutMs: settings.timeoutMs })
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Failure('usage', `${path} is not JSON, so it is not a plan`, { hint: makeOne, cause })
  }
}

/**
 * Refuses a plan that another server has made than the one of the target.
 * @param nothing what was not done, such as `changed`
 * @throws Failure `usage`
 */
export async function requireSameServer(
  context: Context,
  path: string,
  plan: Pick<Plan, 'url'>,
  nothing: 'changed' | 'planned',
): Promise<void> {
  const here = placeOf(await context.target())
  if (isSameRoot(plan.url, here)) return
  const flag = plan.url.startsWith('postgres:') ? '--db' : '--url'
  throw new Failure('usage', `${path} was made for ${plan.url}, not for ${here}; nothing was ${nothing}`, {
    hint: `add ${flag} ${quoted(plan.url)}, or the profile of that server`,
  })
}

/** Where a plan belongs: the root of a server, or a database. */
const placeOf = ({ url, name, socketPath }: Target): string => (socketPath === undefined ? url.href : name)

/**
 * Checks the file that a plan would overwrite, before anything is sent.
 * @throws Failure `usage` for a path that is no regular file, or a file that is no plan
 */
export async function refuseOverwriting(path: string): Promise<void> {
  const absent = (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Failure('usage', `--plan-out: cannot read ${path}: ${fileErrorText(error)}; nothing was written`, {
      cause: error,
    })
  }
  const there = path === '-' ? undefined : await stat(path).catch(absent)
  if (path === '-' || (there && !there.isFile())) {
    throw new Failure('usage', `--plan-out: ${path} is not a regular file; nothing was written`, {
      hint: 'a plan needs a file of its own, such as plan.json',
    })
  }
  const text = there && (await readFile(path, 'utf8').catch(absent))
  if (text === undefined || isPlan(text)) return
  throw new Failure('usage', `--plan-out: ${path} exists and is not a plan; it was not overwritten`, {
    hint: 'name another file',
  })
}

function isPlan(text: string): boolean {
  try {
    return AnyPlan.safeParse(JSON.parse(text)).success
  } catch {
    return false
  }
}

/**
 * Writes a plan completely or not at all, with mode 600, since its tokens allow to apply it.
 * @throws Failure `usage` where the file cannot be written
 */
export async function writePlan<In extends z.ZodType, Out extends z.ZodType>(
  path: string,
  { client, change, context, max }: ChangeRun<In, Out>,
  { previews = [] }: Previewed<Out>,
): Promise<void> {
  const made_at = new Date().toISOString()
  const plan = {
    jobsctl_plan: 1,
    operation: change.name,
    url: placeOf(client.target),
    made_at,
    expires_at: earliest(previews.map(({ expires_at }) => expires_at)) ?? made_at,
    words: change.words,
    ...(max !== undefined && { max }),
    ...(context.flags.reason !== undefined && { reason: context.settings.reason }),
    calls: previews.map((preview, at) => ({ request: change.requests[at], preview })),
  }
  try {
    await replaceFile(path, `${JSON.stringify(plan, undefined, 2)}\n`)
  } catch (cause) {
    throw new Failure('usage', `--plan-out: cannot write ${path}: ${fileErrorText(cause)}; no plan was written`, {
      cause,
    })
  }
}
