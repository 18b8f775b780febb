import { neverGiven } from '../../env/agent-fields.ts'

/** What a pseudonym stands for. A filter takes it in the fields of the same kind alone. */
export const pseudonymKinds = [
  ...(['owner', 'batch', 'key', 'worker', 'caller', 'job', 'cursor'] as const),
  ...(['domain', 'queue', 'type', 'code'] as const),
] as const
export type PseudonymKind = (typeof pseudonymKinds)[number]

/**
 * What an agent gets of a text. `pseudonym`: never the text. `name`: the text where it is one word, else a pseudonym. `id`: a number or a uuid, and
 * a pseudonym of any other key. `word`: the text where it is one word, else nothing. `text`: what a
 * stranger has written, as `untrusted_text`. `open`: an object whose fields are looked up by their names in turn.
 */
export type Treatment =
  | { readonly pseudonym: PseudonymKind }
  | { readonly name: PseudonymKind }
  | 'id'
  | 'word'
  | 'text'
  | 'open'
  | 'withheld'

const each = <T extends Treatment>(treatment: T, ...names: string[]): [string, T][] =>
  names.map((name) => [name, treatment])

/**
 * The treatment of each field that can hold a text, by its name. Numbers, booleans, times and the words of a list are given by their type. A field
 * that is missing here is withheld.
 */
const treatments: ReadonlyMap<string, Treatment> = new Map<string, Treatment>([
  ...each({ name: 'domain' }, 'domain', 'domains'),
  ...each({ name: 'queue' }, 'queue', 'queues'),
  ...each({ name: 'type' }, 'job_type', 'job_types', 'types'),
  ...each({ name: 'code' }, 'error_code', 'error_class', 'failure_streak_code'),
  ...each({ pseudonym: 'owner' }, 'owner_user_id'),
  ...each({ pseudonym: 'batch' }, 'batch_group'),
  ...each({ pseudonym: 'key' }, 'idempotency_key', 'key'),
  ...each({ pseudonym: 'worker' }, 'worker_id', 'workers', 'holder'),
  ...each({ pseudonym: 'caller' }, 'caller', 'by', 'author', 'author_principal', 'decided_by', 'decided_principal'),
  ...each('id', 'id', 'job_id', 'ids', 'job_ids', 'sample_ids', 'operation', 'uuid'),
  ...each(
    'word',
    'action',
    'change',
    'cluster',
    'code',
    'day',
    'digest',
    'engine',
    'event_type',
    'from',
    'hash',
    'index',
  ),
  ...each('word', 'kind', 'may', 'mode', 'native_state', 'not_told', 'not_watched', 'path', 'policy', 'role', 'state'),
  ...each('word', 'status', 'statuses', 'table', 'setting', 'threshold_of', 'to', 'trigger', 'vanishing', 'version'),
  // Clauses of the server about its database.
  ...each(
    'text',
    'archive_lacks',
    'closed',
    'denied',
    'lacks',
    'restores_not_noticed',
    'row_security',
    'serves',
    'why',
  ),
  ...each('text', 'error_message', 'last_error', 'no_way_back', 'pattern', 'text'),
  ...each('open', 'attrs', 'facts', 'filters', 'jobs', 'request'),
  ...each('withheld', 'agent', 'client', 'cloned', 'evidence', 'reason', 'remedy'),
])

/**
 * The treatment of a field; undefined for one that nobody has classified.
 * @param added the names of `JOBS_AGENT_FIELDS`: what would be a pseudonym is given where it is one word, and another text as `untrusted_text`
 */
export function treatmentOf(name: string, added: ReadonlySet<string>): Treatment | undefined {
  if (neverGiven.has(name)) return 'withheld'
  const treatment = treatments.get(name)
  if (!added.has(name)) return treatment
  if (typeof treatment === 'object' && 'pseudonym' in treatment) return { name: treatment.pseudonym }
  return treatment === undefined || treatment === 'withheld' ? 'text' : treatment
}

/**
 * The treatment of a field that no schema names, such as one of the facts of a reason: there `why` is what a person wrote, where an answer has a
 * clause of the server.
 * @param added the names of `JOBS_AGENT_FIELDS`
 */
export function treatmentOfFact(name: string, added: ReadonlySet<string>): Treatment | undefined {
  return name === 'why' && !added.has(name) ? 'withheld' : treatmentOf(name, added)
}

/** The kind whose pseudonyms a field of an input takes; undefined for a field that takes none. */
export function kindOfField(name: string): PseudonymKind | undefined {
  if (name === 'cursor') return 'cursor'
  const treatment = treatments.get(name)
  if (treatment === 'id') return 'job'
  if (typeof treatment !== 'object') return undefined
  return 'pseudonym' in treatment ? treatment.pseudonym : treatment.name
}
