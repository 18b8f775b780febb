import { useState } from 'preact/hooks'
import { call } from '../../api/call.ts'
import { Copy, Link } from '../../parts/controls.tsx'
import { Name } from '../../parts/name.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Ago, Freshness } from '../../parts/times.tsx'
import { useLoad } from '../../state/calls.ts'
import { caller, may } from '../../state/session.ts'
import { EditRules } from './edit-rules.tsx'
import { RuleTable, type State } from './rule-table.tsx'
import { Simulate } from './simulate.tsx'

/*
 * The questions of this screen, in their order:
 *   1. Do the rules run?                    who applied them, and why none runs, where none does
 *   2. What does each do, and when next?    a row a rule: what, where, when, the next times
 *   3. What has it done last?               the run with its operation, and what is left
 *   4. Dare I switch it on, or change it?   Simulate on the days that are over, beside Apply
 */

/** The policy that is applied, and what it would have done. */
export function Policy() {
  if (caller.value?.scope)
    return <p class="empty">A policy is about the jobs of all domains: a token with a scope does not see it.</p>
  return <Known />
}

function Known() {
  const loaded = useLoad('policy', (signal) => call('showPolicy', {}, { signal }))
  const { data, problem, reload } = loaded
  const [edited, setEdited] = useState<State['rule'][]>()
  const rules = edited ?? data?.rules.map(({ rule }) => rule) ?? []
  return (
    <>
      <div class="bar">
        <Freshness {...loaded} />
        <Copy text={['jobsctl', 'policy', 'show']}>Copy as jobsctl</Copy>
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {data && (
        <>
          <Applied {...data} />
          {data.rules.length > 0 && <RuleTable rules={data.rules} />}
          {data.broken?.map(({ name, problem: why }) => (
            <p key={name} class="note bad">
              <Name of={name} /> does not run: {why}.
            </p>
          ))}
          <div class="columns-of-two">
            {may('read') && <Simulate rules={rules} isEdited={edited !== undefined} />}
            {may('govern') && <EditRules policy={data} {...{ rules }} onEdit={setEdited} onDone={reload} />}
          </div>
        </>
      )}
    </>
  )
}

type PolicyAnswer = Awaited<ReturnType<typeof call<'showPolicy'>>>

/** Who applied the policy, and whether its rules run. */
function Applied({ applied, problem, author_until, rules, revision }: PolicyAnswer) {
  if (!applied && problem === null)
    return (
      <p class="empty">
        No policy is applied. <code>jobsctl policy apply policy.yaml</code> applies one: rules by which the servers
        prune and sweep jobs at set times.
      </p>
    )
  return (
    <>
      {problem !== null && (
        <p class="note bad" role="status">
          No rule runs: {problem}.
        </p>
      )}
      {applied && (
        <p>
          Revision {revision}, {rules.length === 1 ? '1 rule' : `${rules.length.toLocaleString('en')} rules`}, applied{' '}
          <Ago at={applied.at} /> by <Name of={applied.name} />
          {applied.reason && <>: {applied.reason}</>}
          {applied.plan !== undefined && (
            <>
              {' '}
              · <Link to={`/plans/${applied.plan}`}>approved</Link>
            </>
          )}
          {author_until && (
            <>
              {' '}
              · its rights end <Ago at={author_until} />
            </>
          )}
        </p>
      )}
    </>
  )
}
