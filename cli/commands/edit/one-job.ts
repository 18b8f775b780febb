import { readExactly, restoreDigits } from '../../../sdk/call/exact-json.ts'
import { editableFields } from '../../../shared/changes/edit.ts'
import { Failure } from '../../../shared/errors.ts'
import { showJob } from '../../../shared/jobs/show.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { repeatedKey } from '../../../shared/text/repeated-key.ts'
import { guardEdit } from '../../changes/edit.ts'
import type { Context } from '../../context.ts'
import { interrupted } from '../../io.ts'
import type { Ending } from '../../output/print.ts'
import { selectionOf, selectionOrExample } from '../../settings/flags/selection-flags.ts'
import { changesBetween } from './changes-between.ts'
import { type EditFlags, valuesOf } from './values.ts'

/**
 * Opens one job in the editor of the person, and has the guard make what was changed in it.
 * @throws Failure `usage` without a terminal, without an editor, or for more than one job
 */
export async function editInEditor(context: Context, flags: EditFlags, ids: string[]): Promise<Ending> {
  const { io, settings, print } = context
  const [word, ...others] = ids
  const values = valuesOf(flags)
  const words = ['edit', ...selectionOrExample(flags, ids), ...values.words]
  const byFlags = context.another([...words, '--set', 'payload.url=https://new.example', '--dry-run'])
  if (word === undefined || others.length > 0) throw whatToChange(byFlags)
  const selected = await selectionOf(context, flags, ids)
  if (settings.curl || !settings.interactive) throw needsTerminal(byFlags)
  const program = [io.env.VISUAL, io.env.EDITOR].find((given) => given?.trim())
  if (program === undefined) throw noEditor(context.another(words), byFlags)

  const { body, raw } = await (await context.client()).call(showJob, { id: word, domain: flags.domain, redact: 'true' })
  refuseState(context, { status: body.status ?? 'in no state', next: flags.then, id: word })
  if (body.hidden?.includes('payload'))
    throw new Failure('forbidden', 'this token lacks the right "payloads", and sees no payload; nothing was changed')
  const before = shownOf(raw)
  const text = `${restoreDigits(JSON.stringify(before, null, 2))}\n`
  const after = await edited(context, program, text)
  if (after === undefined) {
    print.aside('the text is unchanged; nothing was changed')
    return 'ok'
  }
  const changes = changesBetween(before, after)
  if (changes.set.length + changes.unset.length === 0) {
    print.aside('the text has the same values; nothing was changed')
    return 'ok'
  }
  const request = { ...selected.fields, ...values.fields, ...changes }
  return guardEdit(context, flags, { request, words, canaries: undefined })
}

/** The values of a job that its text has. */
function shownOf(raw: unknown): Record<string, unknown> {
  const job = typeof raw === 'object' && raw !== null ? new Map(Object.entries(raw)) : new Map<string, unknown>()
  const shown = Object.fromEntries(Object.keys(editableFields).map((name) => [name, job.get(name) ?? null]))
  return { ...shown, payload: parsed(job.get('payload') ?? null) }
}

/** A payload that its column keeps as a text is answered as that text. One that is no JSON, or has a name twice, stays a text. */
function parsed(payload: unknown): unknown {
  if (typeof payload !== 'string') return payload
  try {
    return repeatedKey(payload) === undefined ? readExactly(payload) : payload
  } catch {
    return payload
  }
}

/** The values of the text as it came back; undefined where it is unchanged. A text that is no JSON can be edited again. */
async function edited({ io }: Context, program: string, first: string): Promise<Record<string, unknown> | undefined> {
  for (let text = first; ; ) {
    const ended = await io.edit(program, text)
    if (io.signal.aborted) throw interrupted(io.signal, '; nothing was changed')
    if ('failed' in ended)
      throw new Failure('usage', `the editor ${escaped(program)} ${ended.failed}; nothing was changed`, {
        hint: 'VISUAL or EDITOR names the editor',
      })
    // Some editors begin a file with a byte order mark, which is no JSON.
    text = ended.text.replace(/^\ufeff/, '')
    if (text === first) return undefined
    const fault = faultOf(text)
    if (fault === undefined) return valuesIn(text)
    io.note(`the text ${fault}\n`)
    const answer = await io.ask('Edit it again? [Y/n] ')
    if (answer === undefined || /^n/i.test(answer.trim()))
      throw new Failure('usage', `the text ${fault}; nothing was changed`)
  }
}

/** Why a text is no job, as a clause; undefined where it is one. */
function faultOf(text: string): string | undefined {
  try {
    const names = Object.keys(valuesIn(text))
    const wrong = names.find((name) => name !== 'payload' && !Object.hasOwn(editableFields, name))
    if (wrong !== undefined) return `has ${JSON.stringify(wrong)}, which no edit changes`
  } catch (error) {
    return `is not a JSON object: ${error instanceof Error ? error.message : String(error)}`
  }
  const key = repeatedKey(text)
  return key === undefined ? undefined : `has the key ${JSON.stringify(key)} twice in one object`
}

/** @throws SyntaxError */
function valuesIn(text: string): Record<string, unknown> {
  const value = readExactly(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('it is another value')
  return Object.fromEntries(Object.entries(value))
}

interface Found {
  status: string
  next: string | undefined
  id: string
}

/** @throws Failure `conflict` for a job that the edit would leave as it is */
function refuseState(context: Context, { status, next, id }: Found): void {
  if (status === 'queued' || (next !== undefined && ['failed', 'quarantined'].includes(status))) return
  const isFailed = ['failed', 'quarantined'].includes(status)
  throw new Failure('conflict', `job ${id} is ${status}, and an edit takes queued jobs; nothing was changed`, {
    hint: isFailed
      ? `to edit it and run it again: ${context.another(['edit', id, '--then', 'retry'])}`
      : `more of it: ${context.another(['show', id])}`,
  })
}

const whatToChange = (byFlags: string): Failure =>
  new Failure('usage', 'what is to be changed? give --set, --set-json or --unset; nothing was changed', {
    hint: `${byFlags}; one id alone opens an editor`,
  })

const needsTerminal = (byFlags: string): Failure =>
  new Failure('usage', 'an editor needs a terminal; nothing was changed', { hint: byFlags })

const noEditor = (again: string, byFlags: string): Failure =>
  new Failure('usage', 'neither VISUAL nor EDITOR names an editor; nothing was changed', {
    hint: `EDITOR=vi ${again}, or without an editor: ${byFlags}`,
  })
