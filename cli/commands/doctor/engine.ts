import type { z } from 'zod'
import type { Finding } from '../../../shared/doctor/findings/finding.ts'
import { showEngine } from '../../../shared/engine/engine.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { lacksOf } from '../../http/engine-lacks.ts'
import { keepLacks } from '../../settings/known-lacks.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { type Check, judgedAnswer, type Outcome, ok, warning } from './outcome.ts'

type Answer = z.output<typeof showEngine.output>
type Engine = Answer['engines'][number]

/** Looks whose jobs the server works on, and keeps for help and completion what its engines cannot. */
export const lookAtEngine: Check['look'] = async (context) => {
  const { url, socketPath } = await context.target()
  let lacks: ReadonlyMap<string, string> | undefined
  let mapped: readonly Engine[] = []
  const judge = (answer: Answer) => {
    lacks = lacksOf(answer)
    mapped = answer.engines.filter(({ engine }) => engine === 'mapped')
    return findingOfEngine(answer)
  }
  const outcome = await await judgedAnswer(showEngine, judge, ok('jobs of its own'))(context)
  if (lacks && socketPath === undefined) await keepLacks(context.io, url.href, lacks.keys())
  return outcome.exit === 'ok' ? withUnmapped(context, mapped, outcome) : outcome
}

/** The outcome with the jobs to which the map of a table gives no state, where there are such. */
async function withUnmapped(context: Context, mapped: readonly Engine[], outcome: Outcome): Promise<Outcome> {
  const { stats } = await import('../../../shared/queues/stats.ts')
  let count = 0
  for (const { schema } of mapped) {
    const { body } = await (await context.client()).call(stats, { domain: schema ?? undefined })
    count += body.reduce((all, { unmapped = 0 }) => all + unmapped, 0)
  }
  if (count === 0) return outcome
  const { detail, lines = [detail], hint, isLast } = outcome
  const told = `${groupedDigits(count)} jobs have a state that the map of their table does not have: no change touches them`
  const how = 'jobs-server init --check names the values; add them to the map, and start the server again'
  const all = [...lines, told]
  return { ...warning(all.join('; '), hint === '' ? how : `${how}; ${hint}`), lines: all, isLast }
}

/** Whose jobs a server works on, in which versions, and which rights its role lacks on their tables. */
function findingOfEngine({ engines, queue_like: queueLike = [] }: Answer): Finding {
  const [first, ...others] = engines
  if (!first) return { detail: 'the key sees no jobs of an engine', hint: undefined }
  const lines = [...[first, ...others].flatMap(linesOf), ...queueLike.slice(0, mostTold).map(hintOf)]
  if (queueLike.length > mostTold) lines.push(`${queueLike.length - mostTold} more tables look like queues`)
  const grants = engines.flatMap(({ lacks = [] }) => lacks.map(({ grant }) => escaped(grant)))
  const toRun = grants.length === 0 ? [] : [`the owner of the tables runs: ${grants.join(' ')}`]
  const hints = [...toRun, ...whatIsClosed(engines)]
  const hint = hints.length === 0 ? undefined : hints.join('; ')
  return { detail: lines.join('; '), lines, hint, isLast: engines.every(({ mode }) => mode === 'look') }
}

/** What follows where a server that has tables for changes makes none. */
function whatIsClosed(engines: readonly Engine[]): string[] {
  const closed = engines.filter(({ mode, changes }) => mode === 'admin' && changes !== true)
  const domains = closed.map(({ schema }) => escaped(schema ?? ''))
  return closed.length === 0 ? [] : [`until that is done, the server changes no jobs in ${domains.join(', ')}`]
}

const mostTold = 3

const hintOf = (table: string): string => `${escaped(table)} looks like a queue: jobs-server init --detect`

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
