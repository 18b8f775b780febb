import type { World } from '../../support/world.ts'
import { control, look, sendChange, setThreshold } from './admin.ts'
import type { Command } from './commands.ts'
import { sendFinish, sendRenew } from './lease-owner.ts'
import { newModel, second } from './model.ts'
import { observe, patience, type Session } from './observe.ts'
import { race, sendAcquire, sendCancel, sendEnqueue } from './send.ts'

/** Begins with empty tables. */
export async function newSession(world: World): Promise<Session> {
  await world.clear()
  const session = { world, model: newModel(), moved: 0, lastEventId: 0, rows: [], sent: [], finishResults: new Map() }
  await observe(session)
  return session
}

/** Carries out one command on the server and on the model, and compares all tables. */
export async function run(session: Session, command: Command): Promise<void> {
  const check = await send(session, command)
  await observe(session)
  if (check) check()
  while (isSoon(session)) {
    await advance(session, 1)
    await observe(session)
  }
}

/** What is to be checked when the tables have been read comes back. */
async function send(session: Session, command: Command): Promise<(() => void) | undefined> {
  switch (command.call) {
    case 'enqueue':
      return sendEnqueue(session, command)
    case 'acquire':
      return sendAcquire(session, command)
    case 'race':
      return race(session, command)
    case 'renew':
      return sendRenew(session, command)
    case 'finish':
      return sendFinish(session, command)
    case 'cancel':
      return sendCancel(session, command)
    case 'control':
      return control(session, command)
    case 'threshold':
      return setThreshold(session, command)
    case 'look':
      return look(session, command)
    case 'advance':
      return advance(session, command.minutes)
    default:
      return sendChange(session, command)
  }
}

/** Lets time go by: for the server there is no difference between that and rows that are older. */
async function advance(session: Session, minutes: number): Promise<undefined> {
  const by = session.world.sql`${minutes}::int * interval '1 minute'`
  await session.world.sql`
    with events as (update job_events set created_at = created_at - ${by}),
    controls as (update job_queue_controls set updated_at = updated_at - ${by})
    update jobs
    set created_at = created_at - ${by}, available_at = available_at - ${by}, acquired_at = acquired_at - ${by},
        started_at = started_at - ${by}, leased_until = leased_until - ${by}, completed_at = completed_at - ${by},
        cancel_requested_at = cancel_requested_at - ${by}, cancelled_at = cancelled_at - ${by},
        quarantined_at = quarantined_at - ${by}`
  session.moved += minutes * 60 * second
}

/** True when something falls due while the next command may be on its way: nobody knew before or after. */
const isSoon = ({ model: { jobs, now } }: Session): boolean =>
  jobs.some(({ row }) => {
    const next = row.status === 'queued' ? row.available_at : row.status === 'processing' ? row.leased_until : null
    return next !== null && next > now && next <= now + patience
  })
