import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { askRunningServer } from '../../../server/commands/command-socket.ts'
import { newFolder } from '../../support/database/database.ts'

/** The commands of a server of version 0.1.0, which leaves out the fields that it does not know. */
const OlderCommand = z.discriminatedUnion('command', [
  z.object({ command: z.literal('create'), name: z.string(), days: z.number().int().optional() }),
  z.object({ command: z.literal('list') }),
  z.object({ command: z.literal('revoke'), id: z.string() }),
])

it('a server of version 0.1.0 with the embedded database open makes no token of all rights in place of one with a role', async () => {
  const folder = await newFolder('older')
  const obeyed: unknown[] = []
  const older = createServer({ allowHalfOpen: true }, async (socket) => {
    const sent: unknown = JSON.parse(await text(socket.iterator({ destroyOnReturn: false })))
    const { data, error } = OlderCommand.safeParse(sent)
    if (data) obeyed.push(data)
    socket.end(JSON.stringify(data ? { lines: [] } : { error: error?.message }))
  })
  await new Promise<void>((done) => older.listen(join(folder, 'control.sock'), done))
  try {
    const by = 'ann@host'
    const grant = {
      role: 'viewer',
      may_enqueue: false,
      approver: false,
      may_break_glass: false,
      may_edit: false,
    } as const
    for (const command of [
      { command: 'create-with-role', by, name: 'x', principal: 'x', ...grant },
      { command: 'set-role', by, id: 'ffffffffffff', ...grant },
      { command: 'suspend', by, id: 'ffffffffffff' },
      { command: 'rotate', by, id: 'ffffffffffff', overlap_seconds: 0 },
    ] as const) {
      await expect(askRunningServer(folder, command)).rejects.toMatchObject({
        code: 'conflict',
        hint: expect.any(String),
      })
    }
    expect(obeyed).toEqual([])
    expect(await askRunningServer(folder, { command: 'list' })).toMatchObject({ lines: [] })
  } finally {
    older.close()
  }
})
