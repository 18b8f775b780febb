import { useEffect, useState } from 'preact/hooks'
import { call } from '../../api/call.ts'
import { Select } from '../../parts/controls.tsx'
import { addressOf, navigate } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { caller } from '../../state/session.ts'

export const fieldNames = ['domain', 'queue', 'job_type', 'status', 'since'] as const

/** What the address says of the clusters to show. */
export type ClusterFields = { [Name in (typeof fieldNames)[number]]?: string }

/** The spans that are offered, with the words of `jobsctl clusters --since`. */
const spans = [
  ['15m', 'the last 15 minutes'],
  ['1h', 'the last hour'],
  ['6h', 'the last 6 hours'],
  ['24h', 'the last 24 hours'],
  ['7d', 'the last 7 days'],
] as const

const states = [
  ['', 'all failures'],
  ['failed', 'failed'],
  ['quarantined', 'quarantined'],
  ['retrying', 'retrying: queued after a failure'],
] as const

/** Which failures: their state, since when, and where. The address changes, and nothing else. */
export function ClusterFilter({ fields }: { fields: ClusterFields }) {
  const show = (name: keyof ClusterFields, value: string) =>
    navigate(addressOf('/clusters', { ...fields, [name]: value.trim() }))
  const text = (name: 'domain' | 'queue' | 'job_type', label: string) => (
    <Text label={label} value={fields[name] ?? ''} onChange={(value) => show(name, value)} />
  )
  return (
    <section class="options" aria-label="Filter">
      <Select label="State" value={fields.status ?? ''} options={states} onChange={(value) => show('status', value)} />
      <Since since={fields.since ?? ''} onChange={(value) => show('since', value)} />
      {text('domain', 'Domain')}
      {text('queue', 'Queue')}
      {text('job_type', 'Job type')}
    </section>
  )
}

interface TextProps {
  label: string
  value: string
  onChange: (value: string) => void
}

/** A field whose text goes into the address by Enter, or when the field is left. */
function Text({ label, value, onChange }: TextProps) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  return (
    <label>
      {label}
      <input
        value={text}
        placeholder="all"
        spellcheck={false}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onChange={() => onChange(text)}
      />
    </label>
  )
}

/** The last spans of time, and the last marks, by which people say what happened when. */
function Since({ since, onChange }: { since: string; onChange: (since: string) => void }) {
  const { data: marks = [] } = useLoad('marks', async (signal) =>
    // Marks are of the whole database: a token with a scope sees none.
    caller.value?.scope ? [] : call('listMarks', { limit: '10' }, { signal }),
  )
  const ofMarks = [...new Set(marks.map(({ text }) => text))].map((text) => [`mark:${text}`, `since ${text}`] as const)
  const known: readonly (readonly [string, string])[] = [['', 'ever'], ...spans, ...ofMarks]
  const all = known.some(([value]) => value === since) ? known : [...known, [since, `since ${since}`] as const]
  return <Select label="Failed" value={since} options={all} onChange={onChange} />
}
