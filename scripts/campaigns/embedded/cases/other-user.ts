import { chmod, chown, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Case, promises } from '../case.ts'
import { compare, expectEnd, expectText, underLoad } from '../checks.ts'
import { limits } from '../limits.ts'
import { Load } from '../load.ts'
import type { Round } from '../round.ts'
import { noOtherUser, otherUser } from '../surroundings.ts'

async function give(path: string, uid: number): Promise<void> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  await Promise.all(entries.map((entry) => chown(join(entry.parentPath, entry.name), uid, uid)))
  await chown(path, uid, uid)
}

interface Refusing {
  uid?: number
  code: number
  says: string
}

async function refuse(round: Round, { uid, code, says }: Refusing): Promise<string> {
  const server = round.start({ uid })
  const came = await expectEnd(round, server, { limitMs: limits.refuse, allowed: [code] })
  await expectText(round, server, says)
  return came
}

/** Root gets a folder of another user that others may read. */
async function refuseRoot(round: Round): Promise<string> {
  await chown(round.folder, otherUser, otherUser)
  await chmod(round.folder, round.random.pick([0o755, 0o750, 0o777]))
  return refuse(round, { code: 2, says: 'it belongs to another user' })
}

/** Files of root in a folder of the server's user: a server was once started as root. */
async function refuseFiles(round: Round): Promise<string> {
  const { folder, random } = round
  await give(folder, otherUser)
  const file = random.pick(['global/pg_control', 'base', 'pg_wal', 'PG_VERSION', '.'])
  const path = join(folder, 'database', file)
  await chown(path, 0, 0)
  await chmod(path, 0o700)
  const says = 'every file of the data folder must belong to the user who runs the server'
  const came = await refuse(round, { uid: otherUser, code: 7, says })
  await give(folder, otherUser)
  await compare(round, new Load({ random, answerMs: limits.answer }), { uid: otherUser })
  return came
}

/** The folder is given to root while a server of another user runs, and the database must be opened again. */
async function take(round: Round): Promise<string> {
  const { folder, random } = round
  await give(folder, otherUser)
  const load = new Load({ random, answerMs: limits.answer })
  const server = round.start({ uid: otherUser })
  await underLoad(round, server, load)
  await wait(random.between(0, 1500))
  await give(folder, 0)
  await chmod(folder, 0o700)
  await round.inject({ kind: 'die', once: true })
  await expectText(round, server, 'ermission denied')
  const came = await expectEnd(round, server, { limitMs: limits.giveUp, allowed: [1] })
  await give(folder, otherUser)
  await compare(round, load, { uid: otherUser })
  return `503, and ${came}`
}

export const anotherUser: Case = {
  name: "another user's folder",
  missing: noOtherUser,
  promised: promises(
    'A data folder that the server may not write is refused at the start with exit code 2.',
    'When a file in the folder belongs to a user whose files the server may not write, the server ends with exit code 7.',
  ),
  ways: [
    { name: 'a folder of root', run: (round) => refuse(round, { uid: otherUser, code: 2, says: 'permission denied' }) },
    { name: 'files of root in it', run: refuseFiles },
    { name: 'taken away under load', run: take },
    { name: 'a folder that others may read, for root', run: refuseRoot },
  ],
}
