import type { MissingIndex } from '../../shared/doctor/missing-indexes.ts'
import { sizeText } from '../../shared/times/time-and-size.ts'

/** A list of missing indexes: a paragraph each for a person, else the fields with tabs between them. */
export function missingIndexLines(missing: readonly MissingIndex[], readable: boolean): string[] {
  if (readable && missing.length === 0) return ['no index is missing']
  return missing.flatMap((index) => (readable ? paragraphOf(index) : [fieldsOf(index).join('\t')]))
}

const fieldsOf = ({ index, table, state, serves, for_operators, table_bytes, bytes_estimate }: MissingIndex) => [
  ...[index, table, state, for_operators ? 'operators' : 'workers'],
  ...[String(table_bytes), String(bytes_estimate ?? ''), serves],
]

function paragraphOf({ index, table, state, serves, for_operators, table_bytes, bytes_estimate }: MissingIndex) {
  const whose = for_operators ? 'searches of operators, which are bounded without it' : 'calls of workers, too'
  return [
    `${index} on ${table}${state === 'invalid' ? ' (invalid: an earlier build was interrupted)' : ''}`,
    `  serves:  ${serves}`,
    `  needed:  by ${whose}`,
    `  costs:   a build reads ${sizeText(table_bytes)}, and the index takes ${bytes_estimate === null ? 'nobody knows how much' : `about ${sizeText(bytes_estimate)}`}`,
    state === 'impossible'
      ? `  build:   PostgreSQL cannot have it: ${table} has partitions by other columns than its own`
      : `  build:   jobs-server indexes build ${index}`,
    '',
  ]
}
