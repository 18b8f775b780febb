import { cp, mkdir } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { type Case, promises } from '../case.ts'
import { compare, expectEnd, expectRecovery, expectText, terminate, underLoad } from '../checks.ts'
import { limits } from '../limits.ts'
import { Load } from '../load.ts'
import { mount, noMount, unmount } from '../mounts.ts'
import type { Round } from '../round.ts'

/** The server is started on a disk that takes no writes. */
async function begin(round: Round): Promise<string> {
  const disk = `${round.home}/disk`
  await mkdir(disk)
  mount(disk, 'size=200m')
  try {
    if (round.random.chance(0.5)) await cp(round.folder, disk, { recursive: true })
    mount(disk, 'remount,ro')
    const server = round.start({ folder: round.random.pick([disk, `${disk}/new/data`]) })
    const came = await expectEnd(round, server, { limitMs: limits.refuse, allowed: [2] })
    await expectText(round, server, 'cannot be the data folder: read-only file system')
    return came
  } finally {
    await round.end()
    unmount(disk)
  }
}

/** The disk turns read-only under load, as after an error that the system has found on it. */
async function turn(round: Round, then: 'back' | 'SIGTERM' | 'stay'): Promise<string> {
  const load = new Load({ random: round.random, answerMs: limits.answer })
  const server = round.start()
  await underLoad(round, server, load)
  await wait(round.random.between(0, 1500))
  await round.inject({ kind: 'EROFS' })
  await expectText(round, server, 'the embedded database has stopped: ')
  await expectText(round, server, 'Read-only file system')
  const came = { back: () => comeBack(), SIGTERM: () => terminate(round, server), stay: () => giveUp() }
  const comeBack = async () => {
    await wait(round.random.between(0, 2000))
    await round.heal()
    await expectRecovery(round, server, load)
    await load.stop()
    await terminate(round, server)
    return '503, and opened again when writes were possible'
  }
  const giveUp = async () => {
    const end = await expectEnd(round, server, { limitMs: limits.giveUp, allowed: [1] })
    await expectText(round, server, 'start the server again')
    return `503, and ${end}`
  }
  const words = await came[then]()
  await round.heal()
  await compare(round, load)
  return words
}

export const readOnly: Case = {
  name: 'read-only folder',
  promised: promises(
    'A data folder that the server may not write is refused at the start with exit code 2.',
    'When the disk turns read-only or fails, calls get 503 and the log names the file. The database stops at the first commit that it cannot write. The server then tries four times within about 15 s to open it again, and ends with exit code 1.',
  ),
  ways: [
    { name: 'at the start', missing: noMount, run: begin },
    { name: 'under load, for a moment', run: (round) => turn(round, 'back') },
    { name: 'under load, for good', run: (round) => turn(round, 'stay') },
    { name: 'under load, and SIGTERM', run: (round) => turn(round, 'SIGTERM') },
  ],
}
