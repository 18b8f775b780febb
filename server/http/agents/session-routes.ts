import type { Context, Hono } from 'hono'
import { clientText, openAgentSession as endpoint } from '../../../shared/access/agent-session.ts'
import { allRights } from '../../../shared/access/rights.ts'
import { Failure } from '../../../shared/errors.ts'
import { agentRightsWithin, openAgentSession, personOf } from '../../auth/agents/agent-sessions.ts'
import { requireAgentsOn } from '../../auth/agents/switch.ts'
import type { Caller } from '../../auth/authenticate.ts'
import { sessionName } from '../../auth/sessions/session-store.ts'
import { isSingleSignOn } from '../../auth/single-sign-on-id.ts'
import { recordAct } from '../../bulk/record/act.ts'
import type { ServerContext } from '../../call.ts'
import { allow } from '../allow.ts'
import { type Admission, headerOf } from '../authenticate.ts'
import { limitBody } from '../body-limit.ts'
import { readInput, readReason } from '../input.ts'
import { requireEngine } from '../request/admit.ts'
import type { RequestContext } from '../request/request-context.ts'
import { respond } from '../respond.ts'

type Serving = Pick<Admission, 'auth'> & Pick<ServerContext, 'operatorSql' | 'maxBodyBytes' | 'abilities'>

/** Mounts the call that opens the session of an agent. It needs the key or token itself, to which the session is bound. */
export function mountAgentSessions(app: Hono<RequestContext>, serving: Serving): void {
  app.on('POST', endpoint.path, allow(endpoint), limitBody(serving.maxBodyBytes), (c) => open(c, serving))
}

async function open(c: Context<RequestContext>, { auth, operatorSql: sql, abilities }: Serving): Promise<Response> {
  requireEngine(c, abilities(), { asked: [], writes: true })
  const { input } = await readInput(c, endpoint, sql)
  await requireAgentsOn(sql)
  const caller = c.get('caller')
  refuseOthers(caller)
  const client = input.client && clientText(input.client)
  const address = c.get('address')
  const hash = auth.hashOf(auth.secretOf(headerOf(c)) ?? '')
  const of = personOf(caller)
  const { secret, ends } = await sql.begin(async (tx) => {
    const made = await openAgentSession(tx, { caller, hash, client, address })
    await recordAct(
      tx,
      { caller: caller.id, reason: readReason(c), requestId: c.get('requestId'), address },
      {
        kind: 'agent_session.opened',
        details: { session: sessionName(made.secret), client: client ?? null, principal: of },
      },
    )
    return made
  })
  const may = agentRightsWithin(caller.may)
  const body = endpoint.output.parse({
    token: secret,
    id: sessionName(secret),
    of,
    may: allRights.filter((right) => may.has(right)),
    ends_at: new Date(ends * 1000).toISOString(),
  })
  return respond(c, JSON.stringify(body), { status: 201 })
}

/** @throws Failure `forbidden` for a caller without a key or a token, with which the session would end */
function refuseOthers({ id, session, agent }: Caller): void {
  const who =
    (session && 'the session of a browser opens') ||
    (agent?.session !== undefined && 'the session of an agent opens') ||
    (isSingleSignOn(id) && 'a token of single sign-on opens')
  if (!who) return
  throw new Failure('forbidden', `${who} no session of an agent; nothing was changed`, {
    hint: 'a key or a token of jobs-server does; an admin makes a token for an agent: jobs-server token create mender --role agent --of <principal>',
  })
}
