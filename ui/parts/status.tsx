/** The four meanings of colour, as at the terminal: well, at work, with care, bad. Everything else has none. */
type Meaning = 'good' | 'active' | 'care' | 'bad' | 'none'

const meanings = new Map<string, Meaning>([
  ['completed', 'good'],
  ['done', 'good'],
  ['open', 'good'],
  ['processing', 'active'],
  ['running', 'active'],
  ['partial', 'care'],
  ['paused', 'care'],
  ['draining', 'care'],
  ['quarantined', 'care'],
  ['failed', 'bad'],
])

/** A state of a job, a queue or an operation: its word, with a mark whose colour repeats what the word says. */
export const Status = ({ of }: { of: string }) => <span class={`status ${meanings.get(of) ?? 'none'}`}>{of}</span>
