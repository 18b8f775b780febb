import type { z } from 'zod'
import { showEngine } from '../../../shared/engine/engine.ts'
import { escaped } from '../../../shared/escape.ts'
import { lacksOf } from '../../http/engine-lacks.ts'
import { keepLacks } from '../../settings/known-lacks.ts'
import { type Check, type Finding, judgedAnswer, ok } from './outcome.ts'

type Answer = z.output<typeof showEngine.output>
type Engine = Answer['engines'][number]

/** Looks whose jobs the server works on, and keeps for help and completion what its engines cannot. */
export const lookAtEngine: Check['look'] = async (context) => {
  const { url, socketPath } = await context.target()
  let lacks: ReadonlyMap<string, string> | undefined
  const judge = (answer: Answer) => {
    lacks = lacksOf(answer)
    return findingOfEngine(answer)
  }
  const outcome = await judgedAnswer(showEngine, judge, ok('jobs of its own'))(context)
  if (lacks && socketPath === undefined) await keepLacks(context.io, url.href, lacks.keys())
  return outcome
}

/** Whose jobs a server works on, in which versions, and which rights its role lacks on their tables. */
function findingOfEngine({ engines }: Answer): Finding {
  const [first, ...others] = engines
  if (!first) return { detail: 'the key sees no jobs of an engine', hint: undefined }
  const lines = [first, ...others].flatMap(linesOf)
  const grants = engines.flatMap(({ lacks = [] }) => lacks.map(({ grant }) => escaped(grant)))
  const hint = grants.length === 0 ? undefined : `the owner of the tables runs: ${grants.join(' ')}`
  return { detail: lines.join('; '), lines, hint, isLast: engines.every(({ mode }) => mode === 'look') }
}

function linesOf({ engine, schema, version, tested, changes, lacks = [] }: Engine): string[] {
  if (schema === null) return ['jobs of its own']
  const name = version === undefined ? escaped(engine) : `${escaped(engine)} ${escaped(version)}`
  const versions = tested
    ? [`tested for reading with ${spanOf(tested.reads)}, and for changes with ${spanOf(tested.writes)}`]
    : []
  return [
    `${name} in ${escaped(schema)}`,
    ...versions,
    ...(changes === true ? [] : [escaped(changes)]),
    ...(lacks.length === 0
      ? []
      : [`the role of the server lacks ${lacks.map(({ right }) => escaped(right)).join(', ')}`]),
  ]
}

const spanOf = ({ lowest, highest }: { lowest: number; highest: number }): string =>
  lowest === highest ? `schema ${lowest}` : `schemas ${lowest} to ${highest}`
