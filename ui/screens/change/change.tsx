import { useState } from 'preact/hooks'
import { call } from '../../api/call.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Link } from '../../parts/link.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { addressOf, query, replaceAddress } from '../../state/address.ts'
import { may } from '../../state/session.ts'
import { filterIn } from '../jobs/filter-fields.ts'
import { Apply } from './apply.tsx'
import { canaryIn, canaryOption } from './canary.ts'
import { CopyCommand } from './copy-command.tsx'
import { type ChangeKind, type ChangeOption, changeKind, optionIn } from './kinds.ts'
import { type Preview, PreviewTable } from './preview.tsx'
import { changeFields, commandWords } from './request.ts'
import { type StartedChange, startedChange } from './started.ts'

/** A change of many jobs: its options, its preview, its confirmation, its course and its result, in this order. */
export function ChangeScreen({ kind: name }: { kind: string }) {
  const kind = changeKind(name)
  if (!kind) return <p>There is no change of this name.</p>
  if (!may('change')) return <p>You may not change jobs: your token lacks the right "change".</p>
  return <KnownChange name={name} kind={kind} />
}

function KnownChange({ name, kind }: { name: string; kind: ChangeKind }) {
  const params = query.value
  const fields = changeFields(kind, params)
  const [preview, setPreview] = useState<{ of: string; preview: Preview }>()
  const [problem, setProblem] = useState<Problem>()
  const [isBusy, setBusy] = useState(false)
  const [started, setStarted] = useState(startedChange)
  const asked = JSON.stringify(fields)
  const begin = (change: StartedChange | undefined) => {
    setStarted(change)
    // A preview is good for one change.
    if (!change) setPreview(undefined)
  }
  const look = async (event: Event) => {
    event.preventDefault()
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
  const current = preview?.of === asked ? preview.preview : undefined
  return (
    <>
      <p>{kind.says}</p>
      <FilterWords filter={filterIn(params)} takesStates={kind.status !== undefined} />
      {!started && (
        <form class="options" onSubmit={look}>
          {[...kind.options, ...(kind.runsAgain ? [canaryOption] : [])].map((option) => (
            <Option key={option.name} option={option} value={optionIn(params, option)} path={`/change/${name}`} />
          ))}
          <button type="submit" class={current ? undefined : 'primary'} disabled={isBusy}>
            {current ? 'Preview again' : 'Preview'}
          </button>
          <CopyCommand name={name} kind={kind} />
        </form>
      )}
      {problem && <ProblemNote problem={problem} />}
      {current && !started && <PreviewTable preview={current} verb={kind.verb} />}
      <Apply
        {...{ kind, fields, started }}
        preview={current}
        onStart={begin}
        canary={canaryIn(kind, params)}
        words={commandWords(name, kind, params)}
      />
    </>
  )
}

function FilterWords({ filter, takesStates }: { filter: Readonly<Record<string, string>>; takesStates: boolean }) {
  const fields = Object.entries(filter).filter(([name]) => takesStates || name !== 'status')
  return (
    <p class="chips">
      {fields.length === 0 ? <b class="care">Jobs of every domain</b> : 'Jobs with'}
      {fields.map(([name, value]) => (
        <span key={name} class="chip">
          {name}: <b>{name === 'ids' ? `${value.split(',').length} ids` : value}</b>
        </span>
      ))}
      <Link to={addressOf('/jobs', filter)}>Show these jobs</Link>
    </p>
  )
}

function Option({ option, value, path }: { option: ChangeOption; value: string; path: string }) {
  const { name, label, type } = option
  const set = (text: string) => {
    const next = { ...Object.fromEntries(query.peek()), [name]: text }
    replaceAddress(addressOf(path, next))
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
    return (
      <label>
        {label}
        <select value={value} onChange={({ currentTarget }) => set(currentTarget.value)}>
          {type.map((word) => (
            <option key={word}>{word}</option>
          ))}
        </select>
      </label>
    )
  }
  return (
    <label>
      {label}
      <input value={value} inputMode="numeric" onInput={({ currentTarget }) => set(currentTarget.value)} />
    </label>
  )
}
