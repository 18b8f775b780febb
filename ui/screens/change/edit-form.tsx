import { useEffect, useState } from 'preact/hooks'
import type { EditedJobs } from '../../../shared/changes/edit.ts'
import { escapedJson } from '../../../shared/text/escape.ts'
import { call } from '../../api/call.ts'
import { Act } from '../../parts/act.tsx'
import { Link, Select } from '../../parts/controls.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Facts } from '../../parts/values.tsx'
import { addressOfJob } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { type EditRow, type Edits, editsBetween, editsOfRows, noEdits, textOfJob } from './edits.ts'
import { jobsText } from './preview.tsx'

interface EditFormProps {
  /** The id of the job, where it is one alone. */
  id: string | undefined
  /** Its domain, where the address names it. */
  domain: string | undefined
  onChange: (edits: Edits) => void
}

/** What is to be changed: one job as its text, or values by their paths in many. */
export const EditForm = ({ id, domain, onChange }: EditFormProps) =>
  id === undefined ? <Paths onChange={onChange} /> : <OneJob key={id} id={id} domain={domain} onChange={onChange} />

function OneJob({ id, domain, onChange }: EditFormProps & { id: string }) {
  const { data, problem, reload } = useLoad(id, async (signal) =>
    textOfJob(await call('showJob', { id, domain, redact: 'true' }, { signal })),
  )
  const [text, setText] = useState<string>()
  const [wrong, setWrong] = useState('')
  const type = (next: string) => {
    setText(next)
    try {
      onChange(editsBetween(data ?? '{}', next))
      setWrong('')
    } catch (error) {
      onChange(noEdits)
      setWrong(error instanceof Error ? error.message : String(error))
    }
  }
  if (problem) return <ProblemNote problem={problem} onRetry={reload} />
  if (data === undefined) return null
  const shown = text ?? data
  return (
    <label class="edit-job">
      <span>
        The job as JSON <span class="faint">(what is masked stays as it is, unless you write another value)</span>
      </span>
      <textarea
        value={shown}
        rows={Math.min(30, shown.split('\n').length + 1)}
        spellcheck={false}
        aria-invalid={wrong !== ''}
        onInput={({ currentTarget }) => type(currentTarget.value)}
      />
      {wrong !== '' && (
        <span class="care" role="status">
          {wrong}
        </span>
      )}
    </label>
  )
}

const blank: EditRow = { path: '', how: 'text', value: '' }

function Paths({ onChange }: Pick<EditFormProps, 'onChange'>) {
  const [rows, setRows] = useState<readonly EditRow[]>([blank])
  useEffect(() => onChange(editsOfRows(rows)), [rows])
  const set = (nth: number, change: Partial<EditRow>) =>
    setRows(rows.map((row, at) => (at === nth ? { ...row, ...change } : row)))
  return (
    <fieldset class="edit-paths">
      <legend>Values to change</legend>
      {rows.map((row, nth) => (
        <div key={nth} class="bar">
          <input
            aria-label="Path"
            value={row.path}
            placeholder="payload.url"
            spellcheck={false}
            onInput={({ currentTarget }) => set(nth, { path: currentTarget.value })}
          />
          <Select
            label="How"
            isLabelHidden
            value={row.how}
            options={[
              ['text', 'is the text'],
              ['json', 'is the JSON'],
              ['unset', 'is taken away'],
            ]}
            onChange={(how) => set(nth, { how: how === 'json' || how === 'unset' ? how : 'text' })}
          />
          {row.how !== 'unset' && (
            <input
              aria-label="New value"
              value={row.value}
              spellcheck={false}
              onInput={({ currentTarget }) => set(nth, { value: currentTarget.value })}
            />
          )}
        </div>
      ))}
      <Act look="quiet" onAct={() => setRows([...rows, blank])}>
        Another value
      </Act>
    </fieldset>
  )
}

const words: Readonly<Record<keyof NonNullable<EditedJobs['left_out']>, string>> = {
  already_so: 'Have the values already',
  not_as_asked: 'Have other values than were shown',
  running: 'Run now, and are left out',
  failed: 'Failed, and are left out',
  ended: 'Have ended, and are left out',
  lack_path: 'Get a value that they do not have',
  other_type: 'Have a value of another type',
}

/** What an edit would change in the first jobs, line by line, and which jobs it leaves out. */
export function EditPreview({
  answer: { left_out, examples = [] },
}: {
  answer: Pick<EditedJobs, 'left_out' | 'examples'>
}) {
  const shown = (value: unknown) => (value === undefined ? 'not there' : escapedJson(JSON.stringify(value)))
  return (
    <section class="card" aria-label="What would change">
      <h2>What would change</h2>
      {examples.map(({ job_id, differences }) => (
        <div key={job_id}>
          <p>
            Job <Link to={addressOfJob(job_id)}>{job_id}</Link>
          </p>
          <pre class="difference">
            {differences.map(({ path, before, after }) => (
              <>
                <span class="gone">{`- ${path}: ${shown(before)}`}</span>
                <span class="new">{`+ ${path}: ${shown(after)}`}</span>
              </>
            ))}
          </pre>
        </div>
      ))}
      {left_out && (
        <Facts
          facts={Object.entries(words).map(([name, text]) => {
            const count = Object.entries(left_out).find(([one]) => one === name)?.[1] ?? 0
            return [text, count > 0 && jobsText(count)]
          })}
        />
      )}
    </section>
  )
}
