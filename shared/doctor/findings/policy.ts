import type { Policy, RuleState } from '../../policy/policy.ts'
import { escaped } from '../../text/escape.ts'
import { earliest } from '../../times/earliest.ts'
import { whenText } from '../../times/time-and-size.ts'
import type { Finding } from './finding.ts'

const soonMs = 7 * 86_400_000

/** What the finding reads of a policy. */
export interface ToldPolicy extends Pick<Policy, 'problem' | 'author_until' | 'broken'> {
  applied: Pick<NonNullable<Policy['applied']>, 'name'> | null
  rules: readonly (Pick<RuleState, 'name' | 'next_at'> & {
    last: Pick<NonNullable<RuleState['last']>, 'state' | 'problem'> | null
  })[]
}

/** The policy, in words; a hint where a rule does not run, or soon will not. `now` is in milliseconds. */
export function findingOfPolicy(
  { applied, problem, author_until, rules, broken = [] }: ToldPolicy,
  now: number,
): Finding {
  const [odd] = broken
  if (odd || (!applied && problem !== null)) {
    const why = [
      ...(odd ? [`rule ${escaped(odd.name)} does not run: ${escaped(odd.problem)}`] : []),
      ...(problem === null ? [] : [`no rule runs: ${escaped(problem)}`]),
    ]
    return { detail: why.join('; '), hint: 'to write it again: jobsctl policy apply policy.yaml' }
  }
  if (!applied || rules.length === 0) return { detail: 'no policy is applied', hint: undefined }
  const next = earliest(rules.map(({ next_at }) => next_at)) ?? ''
  const count = rules.length === 1 ? '1 rule' : `${rules.length} rules`
  const detail = `${count}, applied by ${escaped(applied.name)}; the next run is ${whenText(next, now)}`
  if (problem !== null) return { detail: `${count}, and none runs: ${escaped(problem)}`, hint: 'jobsctl policy show' }
  const bad = rules.find(({ last }) => last && ['failed', 'refused', 'partial'].includes(last.state))
  if (bad?.last) {
    const why = `rule ${bad.name} is ${escaped(bad.last.state)}: ${escaped(bad.last.problem ?? 'no reason is known')}`
    return { detail: `${detail}; ${why}`, hint: 'jobsctl policy show' }
  }
  if (author_until === null || Date.parse(author_until) - now > soonMs) return { detail, hint: undefined }
  return {
    detail,
    hint: `the token of its author expires ${whenText(author_until, now)}, and no rule runs from then on: apply it with a token that lasts`,
  }
}
