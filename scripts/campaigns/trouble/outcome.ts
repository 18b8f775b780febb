/** What a caller got for one action. */
export interface Outcome {
  client: 'jobsctl' | 'HTTP'
  /** The exit code, or the HTTP status; undefined when there was no response. */
  status: number | undefined
  /** The stable word of an error; `ok` for a success. */
  code: string
  /** The sentence of an error. */
  sentence: string
  /** How many jobs a success says that it changed; undefined when the action changes none. */
  affected: number | undefined
}

/** What an outcome says of the jobs. */
type Claim =
  | { kind: 'changed'; jobs: number }
  | { kind: 'changed at least'; jobs: number }
  | { kind: 'whole or nothing' }
  | { kind: 'unknown' }
  | { kind: 'wrong'; why: string }

/** Words by which a sentence leaves open what has happened. */
const open = /may (have|still)|cannot tell|the server may|interrupted/

/** Words by which a sentence says that a change was not made in part. */
const whole = /whole,? or not at all/

/** The number of jobs in the sentence of a change that stopped half-way. */
const changedJobs =
  /([\d,]+) jobs?(?: was| were)? changed before|(?:deleted|cancelled|requeued|repaired) ([\d,]+) jobs?/

/** The number of jobs in the sentence of a change whose last batch may or may not be committed. */
const knownJobs = /after ([\d,]+) jobs of operation \d+, and perhaps some more/

const numberOf = (digits: string | undefined): number => Number((digits ?? '').replaceAll(',', ''))

/** Reads an outcome as its caller would: a success has its number, and an error without an open word changed nothing. */
function claimOf({ status, code, sentence, affected }: Outcome): Claim {
  if (code === 'ok') return { kind: 'changed', jobs: affected ?? 0 }
  if (status === undefined) return { kind: 'unknown' }
  if (code === 'internal' || status === 500) return { kind: 'wrong', why: 'a mistake of the server' }
  const known = knownJobs.exec(sentence)
  if (known) return { kind: 'changed at least', jobs: numberOf(known[1]) }
  if (whole.test(sentence)) return { kind: 'whole or nothing' }
  if (open.test(sentence)) return { kind: 'unknown' }
  if (code === 'partial') {
    const found = changedJobs.exec(sentence)
    if (!found) return { kind: 'wrong', why: 'no number of jobs in the sentence of a change that stopped half-way' }
    return { kind: 'changed', jobs: numberOf(found[1] ?? found[2]) }
  }
  return { kind: 'changed', jobs: 0 }
}

/** What became of the jobs: how many there were for the change, and how many of them changed. */
interface Truth {
  jobs: number
  changed: number
}

/** Compares what was said with what became of the jobs. Returns the lie, or undefined. */
export function lieOf(outcome: Outcome, { jobs, changed }: Truth): string | undefined {
  const claim = claimOf(outcome)
  if (claim.kind === 'wrong') return `${claim.why}: ${textOf(outcome)}`
  if (claim.kind === 'whole or nothing') {
    if (changed === 0 || changed === jobs) return undefined
    return `${textOf(outcome)}: but ${changed} of ${jobs} jobs changed`
  }
  if (claim.kind === 'unknown' || claim.jobs === changed) return undefined
  if (claim.kind === 'changed at least' && claim.jobs < changed) return undefined
  return `${textOf(outcome)}: this means ${claim.jobs} jobs, but ${changed} changed`
}

/** An outcome in a few words: `exit 7 timed_out`, `503 database_busy`. */
export const wordsOf = ({ client, status, code }: Outcome): string =>
  `${client === 'jobsctl' ? 'exit ' : ''}${status ?? 'no response'}${code === 'ok' ? '' : ` ${code}`}`

const textOf = (outcome: Outcome): string => `${wordsOf(outcome)} "${outcome.sentence}"`
