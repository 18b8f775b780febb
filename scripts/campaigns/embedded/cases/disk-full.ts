import { cp, mkdir, rm } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { type Case, promises } from '../case.ts'
import { compare, expectRecovery, expectRefusal, expectText, readyUrl, terminate, underLoad } from '../checks.ts'
import { limits } from '../limits.ts'
import { Load } from '../load.ts'
import { mount, noMount, unmount } from '../mounts.ts'
import type { Round } from '../round.ts'

/** Of the database: PostgreSQL refuses a statement, and goes on. Of the embedded database: it has stopped. */
const fullDisk = 'the disk of the '

/** Runs `use` with a data folder on a disk of its own. */
async function onSmallDisk(round: Round, use: (folder: string) => Promise<string>): Promise<string> {
  const folder = `${round.home}/disk`
  await mkdir(folder)
  mount(folder, `size=${round.random.whole(50, 70)}m`)
  try {
    await cp(round.folder, folder, { recursive: true })
    return await use(folder)
  } finally {
    await round.end()
    unmount(folder)
  }
}

const fill = (round: Round, then: 'room' | 'SIGTERM') =>
  onSmallDisk(round, async (folder) => {
    const load = new Load({ random: round.random, answerMs: limits.answer, jobs: 1000, bytes: 900 })
    const server = round.start({ folder })
    await underLoad(round, server, load)
    await expectRefusal(round, load, fullDisk)
    await expectText(round, server, 'No space left on device')
    if (then === 'SIGTERM') await terminate(round, server)
    mount(folder, 'remount,size=300m')
    if (then === 'room') {
      await expectRecovery(round, server, load)
      await load.stop()
      await terminate(round, server)
    }
    await compare(round, load, { folder })
    return then === 'room' ? '503, and opened again when there was room' : '503, and ended by SIGTERM with exit code 0'
  })

/** A quota is used up although the disk has room. */
async function useUp(round: Round): Promise<string> {
  const load = new Load({ random: round.random, answerMs: limits.answer })
  const server = round.start()
  await underLoad(round, server, load)
  await wait(round.random.between(0, 1500))
  await round.inject({ kind: 'ENOSPC' })
  await expectRefusal(round, load, fullDisk)
  await expectText(round, server, 'No space left on device')
  await wait(round.random.between(0, 8000))
  await round.heal()
  await expectRecovery(round, server, load)
  await load.stop()
  await terminate(round, server)
  await compare(round, load)
  return '503, and opened again when there was room'
}

/** The disk is full while the database is made. */
async function make(round: Round): Promise<string> {
  await rm(round.folder, { recursive: true })
  const load = new Load({ random: round.random, answerMs: limits.answer })
  await round.inject({ kind: 'ENOSPC', after: round.random.whole(10, 3000) })
  const server = round.start()
  await expectText(round, server, 'the embedded database has stopped: ')
  await expectText(round, server, 'o space left on device')
  await round.heal()
  if (!(await readyUrl(server, limits.recover))) round.lie('the database was not made when there was room')
  await underLoad(round, server, load)
  await load.stop()
  await terminate(round, server)
  await compare(round, load)
  return 'made when there was room'
}

export const diskFull: Case = {
  name: 'disk full',
  promised: promises(
    'While the disk is full, calls get 503 and the log says so. The server opens the database again by itself when 32 MiB are free.',
  ),
  ways: [
    { name: 'a disk that fills up and grows', missing: noMount, run: (round) => fill(round, 'room') },
    { name: 'a quota that is used up', run: useUp },
    { name: 'a disk that fills up, and SIGTERM', missing: noMount, run: (round) => fill(round, 'SIGTERM') },
    { name: 'while the database is made', run: make },
  ],
}
