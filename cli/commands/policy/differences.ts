import { isDeepStrictEqual } from 'node:util'
import type { RuleState } from '../../../shared/policy/policy.ts'
import type { Rule } from '../../../shared/policy/rule.ts'
import type { Column } from '../../output/table.ts'
import { describeScope } from '../../settings/flags/scope-flags.ts'
import { changeText, timesText } from './describe.ts'

/** A part of a rule that differs between what is applied and a file. */
export interface Difference {
  rule: string
  change: 'added' | 'removed' | 'changed'
  part: string
  /** Null where the rule is not there, or does not have the part. */
  applied: string | null
  file: string | null
}

const parts: Readonly<Record<string, (rule: Rule) => string | null>> = {
  does: changeText,
  where: describeScope,
  at: timesText,
  max: ({ max }) => String(max),
  mode: ({ mode }) => mode,
  approval_above: ({ approval_above }) => (approval_above === undefined ? null : String(approval_above)),
}

/** What differs, rule by rule: all parts of a rule that is added or removed, and the changed parts of any other. */
export function differencesOf(applied: readonly RuleState[], file: readonly Rule[]): Difference[] {
  const before = new Map(applied.map(({ rule }) => [rule.name, rule]))
  const after = new Map(file.map((rule) => [rule.name, rule]))
  const names = [...new Set([...after.keys(), ...before.keys()])]
  return names.flatMap((name) => partsOf({ name, before: before.get(name), after: after.get(name) }))
}

interface Sides {
  name: string
  before: Rule | undefined
  after: Rule | undefined
}

function partsOf({ name, before, after }: Sides): Difference[] {
  if (isDeepStrictEqual(before, after)) return []
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
  return Object.entries(parts).flatMap(([part, textOf]) => {
    const [applied, file] = [before ? textOf(before) : null, after ? textOf(after) : null]
    return applied === file ? [] : [{ rule: name, change, part, applied, file }]
  })
}

const colours = { added: 'green', removed: 'red', changed: 'yellow' } as const

export const differenceColumns: Column<Difference>[] = [
  { title: 'change', value: ({ change }) => change, paint: ({ change }) => colours[change] },
  { title: 'rule', value: ({ rule }) => rule },
  { title: 'part', value: ({ part }) => part },
  { title: 'applied', value: ({ applied }) => applied ?? '' },
  { title: 'file', value: ({ file }) => file ?? '' },
]
