import type { Step } from '../../../shared/history/history.ts'
import { Button, Select } from '../../parts/controls.tsx'
import { Freshness } from '../../parts/times.tsx'
import type { Loaded } from '../../state/calls.ts'
import { fieldOf, timeOf, type Zone } from './series.ts'

/** The parameters of the address, without those of the filter. */
export interface RangeParams {
  from: string | undefined
  to: string | undefined
  since: string | undefined
  step: string | undefined
  zone: Zone
}

const spans = ['1h', '6h', '24h', '7d', '30d', '90d'] as const
const presetSpan = '24h'
const stepNames: readonly Step[] = ['1m', '5m', '15m', '1h', '6h', '1d']

interface RangeBarProps {
  range: RangeParams
  /** The times of the answer; undefined until there is one. */
  shown: { from: string; to: string } | undefined
  loaded: Pick<Loaded<unknown>, 'readAt' | 'isLoading' | 'reload'>
  onChange: (changed: Readonly<Record<string, string | undefined>>) => void
}

/** The range of time, the length of a step, and the zone in which times are written. */
export function RangeBar({ range, shown, loaded, onChange }: RangeBarProps) {
  const { from, to, since, step, zone } = range
  const span = from === undefined && to === undefined ? (since ?? presetSpan) : undefined
  return (
    <div class="bar">
      {spans.map((name) => (
        <Button
          key={name}
          class="chip toggle"
          aria-pressed={name === span}
          onClick={() => onChange({ since: name === presetSpan ? undefined : name, from: undefined, to: undefined })}
        >
          {name}
        </Button>
      ))}
      <Times key={`${shown?.from} ${shown?.to} ${zone}`} {...{ shown, zone, onChange }} />
      <Select
        label="Step"
        value={step ?? ''}
        options={[['', 'as fits'], ...stepNames]}
        onChange={(value) => onChange({ step: value })}
      />
      <Select
        label="Times in"
        value={zone}
        options={[
          ['utc', 'UTC'],
          ['local', 'local time'],
        ]}
        onChange={(value) => onChange({ zone: value === 'local' ? value : undefined })}
      />
      <Freshness {...loaded} />
    </div>
  )
}

/** From when to when, in the zone that is chosen. */
function Times({ shown, zone, onChange }: Pick<RangeBarProps, 'shown' | 'onChange'> & { zone: Zone }) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (!(event.currentTarget instanceof HTMLFormElement)) return
    const fields = new FormData(event.currentTarget)
    const given = (name: 'from' | 'to') => {
      const text = String(fields.get(name) ?? '')
      // A field that nobody has changed keeps its time: when clocks are set back, its text names two.
      return shown && text === fieldOf(shown[name], zone) ? shown[name] : timeOf(text, zone)
    }
    onChange({ from: given('from'), to: given('to'), since: undefined })
  }
  return (
    <form class="add-filter" onSubmit={submit}>
      {(['from', 'to'] as const).map((name) => (
        <input
          key={name}
          type="datetime-local"
          name={name}
          aria-label={name === 'from' ? 'From' : 'To'}
          defaultValue={shown && fieldOf(shown[name], zone)}
        />
      ))}
      <button type="submit">Show</button>
    </form>
  )
}
