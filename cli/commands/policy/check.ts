import type { Rule } from '../../../shared/policy/rule.ts'
import { nextTime } from '../../../shared/policy/schedule.ts'
import { whenText } from '../../../shared/times/time-and-size.ts'
import type { Context } from '../../context.ts'
import type { Ending } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { describeScope } from '../../settings/flags/scope-flags.ts'
import { changeText, timesText } from './describe.ts'
import { readPolicyFile } from './policy-file.ts'

interface Checked extends Rule {
  next_at: string
}

const name: Column<Checked> = { title: 'rule', value: ({ name }) => name }
const max: Column<Checked> = { title: 'max', value: ({ max }) => max }
const mode: Column<Checked> = { title: 'mode', value: ({ mode }) => mode }

/** The columns of TSV. */
export const columns: Column<Checked>[] = [
  name,
  { title: 'change', value: changeText },
  { title: 'place', value: describeScope },
  { title: 'at', value: ({ at }) => at },
  { title: 'time_zone', value: ({ time_zone }) => time_zone },
  max,
  mode,
  { title: 'next_at', value: ({ next_at }) => next_at },
  { title: 'approval_above', value: ({ approval_above }) => String(approval_above ?? '') },
]

const forPeople: Column<Checked>[] = [
  name,
  { title: 'does', value: changeText },
  { title: 'where', value: describeScope },
  { title: 'at', value: timesText },
  max,
  mode,
  { title: 'next', value: ({ next_at }) => whenText(next_at), gives: 'never' },
]

/** Checks a file without a server, and shows what its rules say. @throws Failure `usage` with every fault */
export async function checkPolicy(context: Context, path: string): Promise<Ending> {
  const now = new Date()
  const rules = await readPolicyFile(context, path)
  const rows = rules.map((rule) => ({ ...rule, next_at: nextTime(rule, now)?.toISOString() ?? '' }))
  context.print.rows({ columns, forPeople, rows, json: rows, empty: 'no rules: applied, the policy ends' })
  return 'ok'
}
