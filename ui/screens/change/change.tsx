import { useState } from 'preact/hooks'
import { scopeText } from '../../../shared/access/scope-text.ts'
import { commandLine } from '../../../shared/shell.ts'
import { call, requestOf } from '../../api/call.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Copy, Link, Select } from '../../parts/controls.tsx'
import { UnknownParameters } from '../../parts/filter.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { addressOf, query, replaceAddress } from '../../state/address.ts'
import { lackOfChange } from '../../state/engine.ts'
import { base } from '../../state/page.ts'
import { caller, may } from '../../state/session.ts'
import { filterIn, isFilterField, WithTimes } from '../jobs/filter-bar.tsx'
import { Apply } from './apply.tsx'
import { type ChangeKind, type ChangeOption, changeKind, optionIn } from './kinds.ts'
import { type Preview, PreviewTable } from './preview.tsx'
import { canaryIn, canaryOption, changeFields, commandWords } from './request.ts'
import { startedChange, usePreviewAgain } from './started.ts'

/** A change of many jobs: its options, its preview, its confirmation, its course and its result, in this order. */
export function ChangeScreen({ kind: name }: { kind: string }) {
  const kind = changeKind(name)
  if (!kind) return <p>There is no change of this name.</p>
  if (!may('change')) return <NotHere role={caller.value?.role ?? ''} />
  const lack = lackOfChange(name)
  if (lack !== undefined) return <p class="note">{lack}</p>
  return <WithTimes screen={<KnownChange name={name} kind={kind} />} />
}

/** Why this caller changes nothing here. Whose role may change jobs is kept from it by the server alone. */
const NotHere = ({ role }: { role: string }) =>
  /operator|admin/.test(role) ? (
    <p>
      Nobody changes jobs here while the server runs with <code>JOBS_UI=read</code>.
    </p>
  ) : (
    <p>You may not change jobs: your role {role} lacks the right “change”.</p>
  )

function KnownChange({ name, kind }: { name: string; kind: ChangeKind }) {
  const params = query.value
  const fields = changeFields(kind, params)
  const [preview, setPreview] = useState<{ of: string; preview: Preview }>()
  const [problem, setProblem] = useState<Problem>()
  const [isBusy, setBusy] = useState(false)
  const started = startedChange()
  const asked = JSON.stringify(fields)
  const options = [...kind.options, ...(kind.hasCanary ? [canaryOption] : [])]
  const isKnown = (name: string) => isFilterField(name) || options.some((option) => option.name === name)
  const look = async () => {
    setProblem(undefined)
    setBusy(true)
    try {
      const answer: { preview?: Preview | undefined } = await call(kind.endpoint, { ...fields, dry_run: true })
      if (answer.preview) setPreview({ of: asked, preview: answer.preview })
    } catch (error) {
      setProblem(problemOf(error))
    }
    setBusy(false)
  }
  usePreviewAgain(look)
  const submit = (event: Event) => {
    event.preventDefault()
    look()
  }
  const current = preview?.of === asked ? preview.preview : undefined
  return (
    <>
      <UnknownParameters known={isKnown} />
      <p>{kind.says}</p>
      <FilterWords filter={filterIn(params)} kind={kind} />
      {!started && (
        <form class="options" onSubmit={submit}>
          {options.map((option) => (
            <Option key={option.name} option={option} value={optionIn(params, option)} path={`/change/${name}`} />
          ))}
          <button type="submit" class={current ? undefined : 'primary'} disabled={isBusy}>
            {current ? 'Preview again' : 'Preview'}
          </button>
          <CopyCommand name={name} kind={kind} />
        </form>
      )}
      {problem && <ProblemNote problem={problem} />}
      {current && !started && <PreviewTable preview={current} verb={kind.label} />}
      <Apply
        {...{ kind, fields, started }}
        preview={current}
        // A preview is good for one change.
        onStart={() => setPreview(undefined)}
        canary={canaryIn(kind, params)}
        words={commandWords(name, kind, params)}
      />
    </>
  )
}

interface FilterWordsProps {
  filter: Readonly<Record<string, string>>
  kind: Pick<ChangeKind, 'status' | 'takes'>
}

/** The filter of a change, and where it is wider than the list that led here: a change that takes no states takes all that it can. */
function FilterWords({ filter, kind: { status, takes } }: FilterWordsProps) {
  const fields = Object.entries(filter).filter(([name]) => status !== undefined || name !== 'status')
  const scope = caller.value?.scope
  const listed = filter.status?.split(',') ?? takes
  const isWider = status === undefined && takes.some((state) => !listed.includes(state))
  return (
    <p class="chips">
      {fields.length === 0 ? <b class="care">Jobs of {scope ? scopeText(scope) : 'every domain'}</b> : 'Jobs with'}
      {fields.map(([name, value]) => (
        <span key={name} class="chip">
          {name}: <b>{name === 'ids' ? `${value.split(',').length} ids` : value}</b>
        </span>
      ))}
      {isWider && (
        <b class="care">
          not only {filter.status}: this change takes jobs that are {takes.join(' or ')}
        </b>
      )}
      <Link to={addressOf('/jobs', filter)}>Show these jobs</Link>
    </p>
  )
}

function Option({ option, value, path }: { option: ChangeOption; value: string; path: string }) {
  const { name, label, type, preset } = option
  const set = (text: string) => {
    const next = new URLSearchParams(query.peek())
    // A field that was emptied stays in the address: without it the preset would come back while somebody writes another number.
    next.set(name, text)
    replaceAddress(`${path}?${next}`)
  }
  if (type === 'switch') {
    return (
      <label class="switch">
        <input
          type="checkbox"
          checked={value === 'true'}
          onChange={({ currentTarget }) => set(String(currentTarget.checked))}
        />
        {label}
      </label>
    )
  }
  if (typeof type === 'object') {
    return <Select label={label} value={value} options={type} onChange={set} />
  }
  return (
    <label>
      {label}
      <input
        value={value}
        inputMode={type === 'number' ? 'numeric' : 'text'}
        required={preset !== undefined}
        onInput={({ currentTarget }) => set(currentTarget.value)}
      />
    </label>
  )
}

/** Copies the preview of a change as a command for a terminal, which makes the same request. */
function CopyCommand({ name, kind }: { name: string; kind: ChangeKind }) {
  const words = commandWords(name, kind, query.value)
  return (
    <span class="copy">
      {words ? (
        <Copy text={[...words, '--dry-run']}>Copy as jobsctl</Copy>
      ) : (
        <span class="faint">jobsctl has no flags for this filter</span>
      )}
      <Copy text={curlOf(kind)}>Copy as curl</Copy>
    </span>
  )
}

/** The command has a variable in place of the key, which this page does not know. */
function curlOf(kind: ChangeKind): string {
  const { method, path, body } = requestOf(kind.endpoint, { ...changeFields(kind, query.value), dry_run: true })
  const words = ['curl', '-X', method, `${location.origin}${base}${path}`, '-H', 'Content-Type: application/json']
  return `${commandLine([...words, '-d', body ?? ''])} -H "X-API-KEY: $JOBSCTL_API_KEY"`
}
