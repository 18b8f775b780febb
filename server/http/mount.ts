import type { Hono } from 'hono'
import { Failure } from '../../shared/errors.ts'
import { prefersAsync, prefersMinimal, returnMinimal } from '../../shared/headers.ts'
import type { Done } from '../bulk/change/commission.ts'
import type { Reporting, ServerContext } from '../call.ts'
import { writeJson } from '../database/lossless-json.ts'
import type { Handler, MinimalResponse, TypedEndpoint } from '../endpoints/handlers.ts'
import { orGoneTables } from '../engines/gone-tables.ts'
import type { Place } from '../engines/served.ts'
import { respondAccepted } from './accepted.ts'
import { allow } from './allow.ts'
import { limitBody } from './body-limit.ts'
import { disconnectController } from './connection/client-disconnect.ts'
import { domainHeaders } from './domain-headers.ts'
import { readInput } from './input.ts'
import { admit } from './request/admit.ts'
import { callOf } from './request/call-of.ts'
import { mayUseReplica, readAtEither, readAtStandby, servingAtReplica } from './request/read-at.ts'
import type { RequestContext } from './request/request-context.ts'
import { respond } from './respond.ts'
import { routerPathOf } from './route-paths.ts'
import { asksForProgress, withProgress } from './streams/progress-stream.ts'

/**
 * Mounts an endpoint: each call is read, validated, checked for its confirmation, and run. No route does more. `minimal` runs a call in
 * place of `run` that asks for a small response; an endpoint with it has `minimal: true`, so that the documents say so.
 */
export function mount<In, Out>(
  app: Hono<RequestContext>,
  serving: ServerContext,
  endpoint: TypedEndpoint<In, Out>,
  run: Handler<In, Done<Out>>,
  minimal?: Handler<In, MinimalResponse>,
): void {
  if ((endpoint.minimal === true) !== (minimal !== undefined))
    throw new Error(`${endpoint.method} ${endpoint.path}: the endpoint and its server differ on minimal responses`)
  const maxSize = serving.maxBodyBytes + (endpoint.documents ?? 0) * serving.maxJsonBytes
  const own = endpoint.forPrograms ? serving : { ...serving, sql: serving.operatorSql }
  const atReplica = servingAtReplica(own)
  const overPlace = new Map<Place, ServerContext>()
  const servingAt = (place: Place | undefined): ServerContext => {
    if (!place) return own
    const known = overPlace.get(place) ?? { ...own, ...own.over(place) }
    overPlace.set(place, known)
    return known
  }
  const paths = [endpoint.path, ...(endpoint.aliases ?? [])].map(routerPathOf)
  app.on(endpoint.method, paths, allow(endpoint), limitBody(maxSize), async (c) => {
    // Loaded by the first call of an agent. Who the agent itself is, it may know.
    const isSeen = c.get('caller').agent && endpoint.needs !== 'identity'
    const view = isSeen ? await (await import('./agents/view.ts')).viewOfAgent(c, own, endpoint) : undefined
    const { input, sent } = await readInput(c, endpoint, own.sql, view?.names)
    const { within } = c.get('caller')
    const changing = endpoint.changes(input)
    const orGone = (at: ServerContext) => async (error: unknown) => {
      throw await orGoneTables(at.sql, error, { changing, within })
    }
    const admitted = await admit(c, endpoint, input, own).catch(orGone(own))
    if (admitted.changing) await serving.admitChange()
    const isBulkChange = endpoint.bulk && admitted.changing
    const isDetached = isBulkChange && prefersAsync(c.req.header('prefer'))
    let leaving: AbortController | undefined
    const disconnected = () => {
      leaving ??= disconnectController(c.env.outgoing)
      return leaving.signal
    }
    const leave = () => {
      disconnected()
      leaving?.abort()
    }
    const more: Record<string, string> = domainHeaders(own.abilities(), endpoint, { input, within })
    const addToAnswer = (name: string, value: string) => {
      more[name] = value
    }
    const detach = isDetached ? { path: endpoint.path, input: sent } : undefined
    const callWith = (
      reportProgress: Reporting['reportProgress'],
      at = servingAt(admitted.place),
      addHeader = addToAnswer,
    ) => callOf(c, at, admitted, { detach, disconnected, reportProgress, addHeader })
    const outcome = async (reportProgress: Reporting['reportProgress']) => {
      const makeAt = (at: ServerContext, addHeader = addToAnswer) => {
        const made = () => run(callWith(reportProgress, at, addHeader), input).catch(orGone(at))
        return endpoint.slow ? at.slowReads.run(c.get('caller').id, made) : made()
      }
      const primary = servingAt(admitted.place)
      if (own.standby.isOn())
        return { answer: endpoint.output.parse(await readAtStandby(own.standby, addToAnswer, () => makeAt(primary))) }
      const isEither = atReplica && !admitted.place && mayUseReplica(c, endpoint.readAt?.(input), own)
      const done = await (isEither
        ? readAtEither({ primary, replica: atReplica, addHeader: addToAnswer }, makeAt)
        : makeAt(primary))
      return 'accepted' in done ? done : { answer: endpoint.output.parse(done.answer) }
    }
    if (isDetached) {
      const done = await outcome(() => {})
      return 'accepted' in done ? respondAccepted(c, done.accepted) : respond(c, JSON.stringify(done.answer))
    }
    const answer = async (reportProgress: Reporting['reportProgress']) => answerOf(await outcome(reportProgress))
    const given = async (output: unknown) => {
      if (!view) return output
      // `agents off`, and the end of the key or token behind an agent, hold for a read that runs, too.
      if (!admitted.changing) await c.get('stillAllowed')()
      return view.given(output, sent)
    }
    if (endpoint.progress || (isBulkChange && asksForProgress(c))) return withProgress(c, serving, answer, leave)
    const alive = () => c.get('alive')?.()
    if (endpoint.shared) {
      const answered = await serving.singleFlight.share(
        // Who may less is told less.
        `${endpoint.path} ${JSON.stringify([input, c.get('caller').within, [...c.get('caller').may]])}`,
        async () => ({ text: writeJson(await answer(alive)), headers: more }),
        endpoint.shared === true ? 0 : endpoint.shared.everyMs,
      )
      const { text } = answered
      return respond(c, view ? JSON.stringify(await given(JSON.parse(text))) : text, { more: { ...answered.headers } })
    }
    if (minimal && prefersMinimal(c.req.header('prefer'))) {
      const { body, created } = await minimal(callWith(alive), input)
      more['Preference-Applied'] = returnMinimal
      return respond(c, toJson(body, leaving), { status: created ? 201 : 200, more })
    }
    const output = await answer(alive)
    const status = endpoint.created?.(output) ? 201 : 200
    return respond(c, toJson(await given(output), leaving), { status, more: view ? view.headers(more) : more })
  })
}

/** The answer to a caller that waits. */
function answerOf<Out>(done: Done<Out>): Out {
  if ('answer' in done) return done.answer
  throw new Error('a change went on without its caller, who waits')
}

/**
 * Writes the output as JSON. Rows of other programs may be too large or too deeply nested for that; the call then ends
 * as if the caller had disconnected, so that jobs leased to it are released.
 * @throws Failure `internal`
 */
function toJson(output: unknown, leaving: AbortController | undefined): string {
  try {
    return writeJson(output)
  } catch (cause) {
    leaving?.abort()
    throw new Failure(
      'internal',
      'the response is too large or too deeply nested to be written; rows that were changed stay changed',
      {
        hint: 'leased jobs are released; ask for fewer jobs at once',
        cause,
      },
    )
  }
}
