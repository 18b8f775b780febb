/** The four meanings of colour, as at the terminal: well, at work, with care, bad. Everything else has none. */
export type Meaning = 'good' | 'active' | 'care' | 'bad' | 'none'

const meanings = new Map<string, Meaning>([
  ['completed', 'good'],
  ['done', 'good'],
  ['open', 'good'],
  ['applied', 'good'],
  ['processing', 'active'],
  ['running', 'active'],
  ['approved', 'active'],
  ['partial', 'care'],
  ['waiting', 'care'],
  ['paused', 'care'],
  ['draining', 'care'],
  ['quarantined', 'care'],
  ['failed', 'bad'],
  ['rejected', 'bad'],
])

interface StatusProps {
  of: string
  /** Its meaning, where the word alone does not tell. */
  meaning?: Meaning
}

/** A state of a job, a queue, an operation or a plan: its word, with a mark whose colour repeats what the word says. */
export const Status = ({ of, meaning = meanings.get(of) ?? 'none' }: StatusProps) => (
  <span class={`status ${meaning}`}>{of}</span>
)
