import type * as z from 'zod'
import { editableFields, isEditableField, Setting, Unset, Valued } from '../../../shared/changes/edit.ts'
import { Failure } from '../../../shared/errors.ts'
import { isKeptExactly } from '../../../shared/text/exact-numbers.ts'
import { repeatedKey } from '../../../shared/text/repeated-key.ts'
import { readMoment } from '../../../shared/times/moment.ts'
import type { CanaryFlags } from '../../settings/flags/canary-flags.ts'
import type { SelectionFlags } from '../../settings/flags/selection-flags.ts'
import { durationText, seconds } from '../../text/duration.ts'

export interface EditFlags extends SelectionFlags, CanaryFlags {
  set?: string[]
  setJson?: string[]
  unset?: string[]
  if?: string[]
  then?: string
  spread?: string
}

/** Whether the flags say what is to be changed. */
export const isGiven = ({ set, setJson, unset }: EditFlags): boolean =>
  [set, setJson, unset].some((list) => list !== undefined && list.length > 0)

/** The flags as fields of the request, and as words of the command line. @throws Failure `usage` */
export function valuesOf(flags: EditFlags): { fields: Record<string, unknown>; words: string[] } {
  const { unset = [], then } = flags
  const set = [
    ...(flags.set ?? []).map(textOf('--set')).map(checked('--set', Setting)),
    ...(flags.setJson ?? []).map(jsonOf).map(checked('--set-json', Setting)),
  ]
  for (const path of unset) checked('--unset', Unset)(path)
  const asked = (flags.if ?? []).map(textOf('--if')).map(checked('--if', Valued))
  const spread = flags.spread === undefined ? undefined : seconds(flags.spread, '--spread')
  const lists = [
    ['--set', flags.set],
    ['--set-json', flags.setJson],
    ['--unset', unset],
    ['--if', flags.if],
  ] as const
  return {
    fields: {
      ...(set.length > 0 && { set }),
      ...(unset.length > 0 && { unset }),
      ...(asked.length > 0 && { if: asked }),
      ...(then !== undefined && { next: then }),
      ...(spread !== undefined && { spread_seconds: spread }),
    },
    words: [
      ...lists.flatMap(([flag, values = []]) => values.flatMap((value) => [flag, value])),
      ...(then === undefined ? [] : ['--then', then]),
      ...(spread === undefined ? [] : ['--spread', durationText(spread)]),
    ],
  }
}

/** The path and the value of `path=value`. @throws Failure `usage` */
function parted(flag: string, text: string): [path: string, value: string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new Failure(
    'usage',
    `${flag}: must be a path, = and a value, as in ${flag} payload.url=https://new.example; nothing was changed`,
  )
}

/** Refuses in the words of the command line what the server would refuse by the place in the request. @throws Failure `usage` */
const checked =
  <T extends string | { path: string }>(flag: string, schema: z.ZodType) =>
  (given: T): T => {
    const read = schema.safeParse(given)
    if (read.success) return given
    const path = typeof given === 'string' ? given : given.path
    throw new Failure('usage', `${flag} ${path}: ${read.error.issues[0]?.message}; nothing was changed`)
  }

/** A value that is a text in a payload, and has the type of its field elsewhere. */
const textOf = (flag: string) => (given: string) => {
  const [path, text] = parted(flag, given)
  if (!isEditableField(path)) return { path, value: text }
  if (path === 'available_at') return { path, value: timeOf(flag, text) }
  const isNumber = editableFields[path].safeParse(1).success
  return { path, value: isNumber && /^-?\d{1,15}$/.test(text) ? Number(text) : text }
}

/** @throws Failure `usage` */
function timeOf(flag: string, text: string): string {
  const moment = readMoment(text, 'future', Date.now())
  if ('at' in moment) return moment.at
  throw new Failure('usage', `${flag} available_at: ${'wrong' in moment ? moment.wrong : 'must be a time, or 2h'}`)
}

/** A value of any type. Numbers with more digits than JavaScript keeps go on as the text that they are. */
const jsonOf = (given: string) => {
  const [path, json] = parted('--set-json', given)
  const value = parsed(path, json)
  const key = repeatedKey(json)
  if (key !== undefined)
    throw new Failure('usage', `--set-json ${path}: has the key ${JSON.stringify(key)} twice; nothing was changed`)
  return isKeptExactly(json) ? { path, value } : { path, json }
}

/** @throws Failure `usage` */
function parsed(path: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw new Failure('usage', `--set-json ${path}: must be JSON; nothing was changed`, {
      hint: `a text is set by --set ${path}=<text>`,
    })
  }
}
