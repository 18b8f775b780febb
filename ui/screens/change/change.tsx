import { useState } from 'preact/hooks'
import { scopeText } from '../../../shared/access/scope-text.ts'
import type { EditedJobs } from '../../../shared/changes/edit.ts'
import { commandLine } from '../../../shared/text/shell.ts'
import { call, type Fields, requestOf } from '../../api/call.ts'
import { type Problem, problemOf } from '../../api/problem.ts'
import { Act } from '../../parts/act.tsx'
import { Copy, Link, Select } from '../../parts/controls.tsx'
import { UnknownParameters } from '../../parts/filter.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { addressOf, query, replaceAddress } from '../../state/address.ts'
import { lackOfChange } from '../../state/engine.ts'
import { base } from '../../state/page.ts'
import { caller, may } from '../../state/session.ts'
import { filterIn, isFilterField, WithTimes } from '../jobs/filter-bar.tsx'
import { Apply } from './apply.tsx'
import { EditForm, EditPreview } from './edit-form.tsx'
import { type Edits, editWords, isEmpty, noEdits } from './edits.ts'
import { type ChangeKind, type ChangeOption, changeKind, optionIn } from './kinds.ts'
import { type Preview, PreviewTable } from './preview.tsx'
import { canaryIn, canaryOption, changeFields, commandWords } from './request.ts'
import { startedChange, usePreviewAgain } from './started.ts'

/**
 * A change of many jobs. The questions: which jobs does it take, and what does it do to them? How: some first, all at once, or spread? What
 * would happen, and is there a way back? May I? How far is it, and what came of it?
 *
 * - the filter as chips, the options, how; `[Preview]`, copy as jobsctl and curl
 * - the preview: one sentence, then the table; why, the number, `[Retry 306 jobs]` or `[Propose]`
 * - the course with its stop; then what was done, or amber what was stopped, with `[Go on…]` and `[Undo these…]`
 */
export function ChangeScreen({ kind: name }: { kind: string }) {
  const kind = changeKind(name)
  if (!kind) return <p>There is no change of this name.</p>
  if (!may('change') || (name === 'edit' && !may('edit')))
    return <NotHere role={caller.value?.role ?? ''} right={name === 'edit' ? 'edit' : 'change'} />
  const lack = lackOfChange(name)
  if (lack !== undefined) return <p class="note">{lack}</p>
  return <WithTimes screen={<KnownChange name={name} kind={kind} />} />
}

/** Why this caller changes nothing here. Whose role may change jobs is kept from it by the server alone. */
const NotHere = ({ role, right }: { role: string; right: string }) =>
  /operator|admin/.test(role) && right === 'change' ? (
    <p>
      Nobody changes jobs here while the server runs with <code>JOBS_UI=read</code>.
    </p>
  ) : (
    <p>
      You may not change jobs: your role {role} lacks the right “{right}”.
    </p>
  )

function KnownChange({ name, kind }: { name: string; kind: ChangeKind }) {
  const params = query.value
  const [edits, setEdits] = useState(noEdits)
  const isEdit = name === 'edit'
  const fields = { ...changeFields(kind, params), ...(isEdit && edits) }
  const lack = isEdit && isEmpty(edits) ? 'Change a value first.' : undefined
  const [preview, setPreview] = useState<{ of: string; preview: Preview; answer: EditAnswer }>()
  const [problem, setProblem] = useState<Problem>()
  const [isBusy, setBusy] = useState(false)
  const started = startedChange()
  const asked = JSON.stringify(fields)
  const options = [...kind.options, ...(kind.hasCanary ? [canaryOption] : [])]
  const courses = options.filter((option) => option === canaryOption || option.name === 'spread_seconds')
  const isKnown = (name: string) => isFilterField(name) || options.some((option) => option.name === name)
  const look = async () => {
    setProblem(undefined)
    setBusy(true)
    try {
      const answer: { preview?: Preview | undefined } & EditAnswer = await call(kind.endpoint, {
        ...fields,
        dry_run: true,
      })
      if (answer.preview) setPreview({ of: asked, preview: answer.preview, answer })
    } catch (error) {
      setProblem(problemOf(error))
    }
    setBusy(false)
  }
  usePreviewAgain(look)
  const submit = (event: Event) => {
    event.preventDefault()
    if (lack === undefined) look()
  }
  const looked = preview?.of === asked ? preview : undefined
  const current = looked?.preview
  const words = wordsOf(name, kind, params, edits)
  return (
    <>
      <UnknownParameters known={isKnown} />
      <p>{kind.says}</p>
      <FilterWords filter={filterIn(params)} kind={kind} />
      {!started && (
        <form class="options" onSubmit={submit}>
          {isEdit && <EditForm id={oneId(params)} domain={params.get('domain') || undefined} onChange={setEdits} />}
          {options
            .filter((option) => !courses.includes(option))
            .map((option) => (
              <Option key={option.name} option={option} value={optionIn(params, option)} path={`/change/${name}`} />
            ))}
          {courses.length > 0 && oneId(params) === undefined && <How options={courses} path={`/change/${name}`} />}
          <Act type="submit" look={current ? undefined : 'primary'} isBusy={isBusy} lack={lack}>
            {current ? 'Preview again' : 'Preview'}
          </Act>
          <span class="faint" role="status">
            {isBusy && 'The jobs are being counted…'}
          </span>
          <span class="copy">
            {words ? (
              <Copy text={[...words, '--dry-run']}>Copy as jobsctl</Copy>
            ) : (
              <span class="faint">jobsctl has no flags for this</span>
            )}
            <Copy text={curlOf(kind, fields)}>Copy as curl</Copy>
          </span>
        </form>
      )}
      {problem && <ProblemNote problem={problem} />}
      {current && !started && <PreviewTable preview={current} verb={kind.label} />}
      {looked && !started && isEdit && <EditPreview answer={looked.answer} />}
      <Apply
        {...{ kind, fields, started }}
        preview={current}
        // A preview is good for one change.
        onStart={() => setPreview(undefined)}
        canary={canaryIn(kind, params)}
        words={words}
      />
    </>
  )
}

type EditAnswer = Pick<EditedJobs, 'left_out' | 'examples'>

/** The id of the job, where the address names one alone. */
function oneId(params: URLSearchParams): string | undefined {
  const ids = params.get('ids') ?? ''
  return ids === '' || ids.includes(',') ? undefined : ids
}

/** The change as words of the command line, with the values of an edit; undefined where it has no flags for them. */
function wordsOf(name: string, kind: ChangeKind, params: URLSearchParams, edits: Edits): string[] | undefined {
  const words = commandWords(name, kind, params)
  if (name !== 'edit' || !words) return words
  const more = editWords(edits)
  return more && [...words, ...more]
}

/** How many jobs go first by themselves where somebody chooses it, and over which time others are spread. */
const presets: Readonly<Record<string, string>> = { canary: '20', spread_seconds: '10m' }

/** Whether some jobs go first, all at once, or spread over a time. One of them is chosen. */
function How({ options, path }: { options: readonly ChangeOption[]; path: string }) {
  const params = query.value
  const chosen = options.find((option) => params.get(option.name))
  const choose = (name: string | undefined, value = '') => {
    const next = new URLSearchParams(params)
    for (const option of options) next.delete(option.name)
    if (name !== undefined) next.set(name, value)
    replaceAddress(next.size > 0 ? `${path}?${next}` : path)
  }
  return (
    <fieldset class="how">
      <legend>How</legend>
      <label class="switch">
        <input type="radio" name="how" checked={!chosen} onChange={() => choose(undefined)} /> All at once
      </label>
      {options.map(({ name, label }) => (
        <div key={name}>
          <label class="switch">
            <input
              type="radio"
              name="how"
              checked={chosen?.name === name}
              onChange={() => choose(name, presets[name])}
            />
            {name === 'canary' ? 'First' : 'Spread over'}
          </label>
          <input
            aria-label={label}
            value={params.get(name) ?? ''}
            placeholder={presets[name]}
            onInput={({ currentTarget }) => choose(name, currentTarget.value)}
          />
          {name === 'canary' && 'then wait until they are done'}
        </div>
      ))}
    </fieldset>
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
          {name}: <b>{name === 'ids' && value.includes(',') ? `${value.split(',').length} ids` : value}</b>
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

/** The command has a variable in place of the key, which this page does not know. */
function curlOf(kind: ChangeKind, fields: Fields): string {
  const { method, path, body } = requestOf(kind.endpoint, { ...fields, dry_run: true })
  const words = ['curl', '-X', method, `${location.origin}${base}${path}`, '-H', 'Content-Type: application/json']
  return `${commandLine([...words, '-d', body ?? ''])} -H "X-API-KEY: $JOBSCTL_API_KEY"`
}
