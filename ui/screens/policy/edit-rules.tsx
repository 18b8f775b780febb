import { useState } from 'preact/hooks'
import { type Answer, call, confirmed, pathOf, reasonHeader } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Button, Why } from '../../parts/controls.tsx'
import { ActProblem } from '../../parts/login.tsx'
import { navigate } from '../../state/address.ts'
import { useAct } from '../../state/calls.ts'
import { hasPlans } from '../../state/session.ts'
import type { State } from './rule-table.tsx'

type Rule = State['rule']
type Preview = Answer<'applyPolicy'>

interface EditRulesProps {
  policy: Answer<'showPolicy'>
  /** The rules as they are now: those that are applied, or those that were edited. */
  rules: readonly Rule[]
  onEdit: (rules: Rule[] | undefined) => void
  /** Reads the policy again. */
  onDone: () => void
}

/**
 * Edits the rules as JSON, and applies them: first a dry run, which says what the first run of each rule would change. Applying the same rules
 * again makes the caller their author, whose rights they then have.
 */
export function EditRules({ policy, rules, onEdit, onDone }: EditRulesProps) {
  const [text, setText] = useState<string>()
  const [fault, setFault] = useState<string>()
  const [preview, setPreview] = useState<{ of: readonly Rule[]; revision: number; answer: Preview }>()
  const [reason, setReason] = useState('')
  const [done, setDone] = useState('')
  const act = useAct()
  const type = (next: string) => {
    setText(next)
    setPreview(undefined)
    const read = rulesIn(next)
    setFault(read ? undefined : 'This is no JSON list of rules yet.')
    if (read) onEdit(read)
  }
  const leave = () => {
    setText(undefined)
    setFault(undefined)
    setPreview(undefined)
    onEdit(undefined)
  }
  const request = { rules, revision: policy.revision }
  const look = () =>
    act.run(async () => {
      setDone('')
      setPreview({
        of: rules,
        revision: policy.revision,
        answer: await call('applyPolicy', { ...request, dry_run: true }),
      })
    })
  const headers = { ...confirmed, ...reasonHeader(reason) }
  const apply = () =>
    act.run(async () => {
      await call('applyPolicy', request, { headers })
      setDone('Applied. No job changes until the rules run, at their times.')
      leave()
      onDone()
    })
  const propose = () =>
    act.run(async () => {
      const plan = await call('proposePlan', { path: pathOf('applyPolicy'), request }, { headers })
      navigate(`/plans/${plan.id}`)
    })
  const isOther = preview !== undefined && preview.revision !== policy.revision
  const isSeen = preview !== undefined && preview.of === rules && !isOther
  return (
    <section class="confirm" aria-label="Apply">
      <h2>Apply</h2>
      <p class="faint">
        The rules take the place of those that are applied, with your rights.{' '}
        <code>jobsctl policy apply policy.yaml</code> takes them from a file.
      </p>
      {text !== undefined && (
        <>
          <textarea
            class="rules"
            aria-label="Rules as JSON"
            aria-invalid={fault !== undefined}
            spellcheck={false}
            rows={16}
            value={text}
            onInput={({ currentTarget }) => type(currentTarget.value)}
          />
          {fault && (
            <p class="care" role="status">
              {fault}
            </p>
          )}
        </>
      )}
      <div class="bar">
        <Act onAct={look} isBusy={act.isBusy} lack={fault}>
          Preview
        </Act>
        {text === undefined ? (
          <Button onClick={() => setText(JSON.stringify(rules, undefined, 2))}>Edit the rules…</Button>
        ) : (
          <Button onClick={leave}>Keep those that are applied</Button>
        )}
      </div>
      {isOther && (
        <p class="note care" role="status">
          Somebody has applied another policy since: look at its rules, and preview yours again.
        </p>
      )}
      {isSeen && (
        <>
          <FirstRuns {...preview.answer} />
          <Why reason={reason} onChange={setReason} />
          <div class="bar">
            <Act look="primary" onAct={apply} isBusy={act.isBusy}>
              {rules.length === 0
                ? 'End the policy'
                : `Apply ${rules.length === 1 ? '1 rule' : `${rules.length} rules`}`}
            </Act>
            {hasPlans.value && (
              <Act
                onAct={propose}
                isBusy={act.isBusy}
                lack={reason.trim() === '' && 'A plan for another principal needs a reason.'}
              >
                Propose
              </Act>
            )}
          </div>
        </>
      )}
      <p role="status">{done}</p>
      <ActProblem act={act} onReload={onDone} />
    </section>
  )
}

/** The rules of a text; undefined where it is no list. The server names each fault of a rule. */
function rulesIn(text: string): Rule[] | undefined {
  try {
    const read: unknown = JSON.parse(text)
    return Array.isArray(read) ? read : undefined
  } catch {
    return undefined
  }
}

/** What the first run of each rule would change, if it were now. */
const FirstRuns = ({ first_runs = [], would_change }: Preview) => (
  <>
    {would_change === false && (
      <p>These are the rules that are applied, and you are their author: nothing would change.</p>
    )}
    <ul>
      {first_runs.map(({ name, matched, would_change: changes, at_most, complete }) => (
        <li key={name}>
          {name}:{' '}
          {matched === null
            ? 'too many to count'
            : `${complete ? '' : 'at least '}${matched.toLocaleString('en')} match now`}
          , and its first run changes{' '}
          {changes === null ? `at most ${(at_most ?? 0).toLocaleString('en')}` : changes.toLocaleString('en')}
        </li>
      ))}
    </ul>
  </>
)
