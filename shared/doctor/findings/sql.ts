import { escaped } from '../../text/escape.ts'
import type { IdleTrigger } from '../idle-trigger.ts'

/** The SQL that enables the disabled triggers; undefined where none is disabled, or the server does not report them. */
export function enabling(idle: readonly IdleTrigger[] = []): string | undefined {
  const disabled = idle.filter(({ state }) => state === 'disabled')
  if (disabled.length === 0) return undefined
  const tables = [...new Set(disabled.map(({ table }) => table))]
  return tables
    .map((of) => {
      const actions = disabled
        .filter(({ table }) => table === of)
        .map(({ trigger }) => `enable always trigger ${escaped(trigger)}`)
      return `alter table ${escaped(of)} ${actions.join(', ')}`
    })
    .join('; ')
}

/** A name as SQL takes it. */
export const quotedName = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${escaped(name).replaceAll('"', '""')}"`
