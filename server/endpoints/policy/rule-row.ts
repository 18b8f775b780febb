import { Rule } from '../../../shared/policy/rule.ts'
import { jsonOf } from '../../database/lossless-json.ts'

/** What the database has of a rule. Somebody may have written it by hand, or a later version. */
interface RuleRow {
  name: string
  /** The rule as JSON. */
  text: string
  next_at: string
  /** The time of the run before. */
  due_at: string | null
}

/** The rule of a row, or why no server runs it, as a clause. */
export function ruleOf({ name, text, next_at, due_at }: RuleRow): { rule: Rule } | { problem: string } {
  const read = Rule.safeParse(jsonOf(text))
  if (!read.success) {
    const [issue] = read.error.issues
    return {
      problem: `this version does not know its rule: ${[issue?.path.join('.'), issue?.message].join(' ').trim()}`,
    }
  }
  if (read.data.name !== name) return { problem: `its rule has the name ${read.data.name}` }
  const odd = [next_at, ...(due_at === null ? [] : [due_at])].find((time) => !isTime(time))
  return odd === undefined ? { rule: read.data } : { problem: `its time is ${odd}` }
}

/** True for a time of the years 1 to 9999; the database writes `infinity`, and years before as `0044-03-15 00:00:00+00 BC`. */
const isTime = (time: string): boolean => /^\d{4}-\S+Z$/.test(time)
