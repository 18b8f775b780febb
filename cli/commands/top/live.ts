import type { Scope } from '../../../shared/scope.ts'
import type { Context } from '../../context.ts'
import type { Screen } from '../../io.ts'
import type { Ending } from '../../output/print.ts'
import { coloured, styleFor } from '../../output/style.ts'
import { controlChosen } from './control.ts'
import { draw, pageOf, type TopView } from './draw.ts'
import { signsFor } from './fit.ts'
import { type Effect, press } from './keys.ts'
import { createModel } from './model.ts'
import { followStats, type TopSource } from './source.ts'
import { firstState, type TopState } from './state.ts'

const tickMs = 1000

/**
 * Shows the groups until `q`, Ctrl-C or a signal. The screen is taken with the first frame, and given back however this ends.
 * @throws Failure when the first frame cannot be read, and for every failure that does not pass
 */
export async function showLive(context: Context, scope: Scope): Promise<Ending> {
  const { io } = context
  const { url } = await context.target()
  const ending = new AbortController()
  const signal = AbortSignal.any([io.signal, ending.signal])
  const model = createModel()
  let state: TopState = firstState
  let source: TopSource = { kind: 'stream' }
  let clockAhead = 0
  let screen: Screen | undefined
  let opening: Promise<void> | undefined
  const controls: Promise<void>[] = []
  let lack: string | undefined

  const view = (): TopView => ({
    rows: model.rows(performance.now()),
    stopped: model.stopped(),
    operations: model.operations(),
    state,
    server: url.host,
    source: sourceTexts[source.kind],
    canPause: lack === undefined,
    isBare: context.print.isBare(),
    away: source.kind === 'away' ? source : undefined,
    now: Date.now() + clockAhead,
  })
  const terminal = (size: { columns: number; rows: number }) => ({
    ...size,
    signs: signsFor(io.env),
    style: styleFor(coloured(context.settings.color, io.env, true)),
  })
  const redraw = () => {
    if (screen) screen.draw(draw(view(), terminal(screen.size())))
  }
  const control = async (effect: Extract<Effect, { kind: 'control' }>) => {
    state = { ...state, message: { text: 'waiting for the server', isError: false } }
    redraw()
    state = { ...state, message: await controlChosen(context, effect) }
    redraw()
  }
  const onKey: Parameters<typeof io.openScreen>[0]['onKey'] = (key) => {
    const { rows, stopped } = view()
    const names = new Set(stopped.map(({ domain, queue }) => JSON.stringify([domain, queue])))
    const page = screen ? pageOf(view(), terminal(screen.size())) : 1
    const noQuestion = 'no queue is paused from here: --no-input, CI or a redirected stderr forbids questions'
    const noControl = lack ?? (context.settings.interactive ? undefined : noQuestion)
    const pressed = press(state, key, { rows, stopped: names, page, noControl })
    state = pressed.state
    if (pressed.effect.kind === 'quit') ending.abort()
    if (pressed.effect.kind === 'control') controls.push(control(pressed.effect).catch(fail))
    redraw()
  }
  let failure: { error: unknown } | undefined
  const fail = (error: unknown) => {
    failure ??= { error }
    ending.abort()
  }
  const open = async () => {
    screen = await io.openScreen({ onKey, onRedraw: redraw })
    redraw()
  }
  // Beside the counts, which need not wait for it; without an answer the server says so when a queue is to be paused.
  const asking = readPauseLack(context, signal).then(
    (answer) => {
      lack = answer
      redraw()
    },
    () => {},
  )
  const ticking = setInterval(() => {
    model.tick()
    redraw()
  }, tickMs)
  try {
    await followStats({
      context,
      scope,
      signal,
      onSource: (now) => {
        source = now
        redraw()
      },
      onFrame: (frame, isFull) => {
        model.take(frame, isFull, performance.now())
        clockAhead = aheadOf(frame.as_of)
        opening ??= open().catch(fail)
        redraw()
      },
    })
    await opening
    await Promise.all([...controls, asking])
  } finally {
    clearInterval(ticking)
    screen?.close()
  }
  if (failure) throw failure.error
  if (!io.signal.aborted) return 'ok'
  return io.signal.reason === 'SIGTERM' ? 'terminated' : 'interrupted'
}

/** Why queues cannot be paused on this server; undefined where they can. */
async function readPauseLack(context: Context, signal: AbortSignal): Promise<string | undefined> {
  const { readLacks } = await import('../../http/engine-lacks.ts')
  const client = await context.newClient(signal)
  const lacks = await readLacks(client)
  const { keepLacks } = await import('../../settings/known-lacks.ts')
  if (client.target.socketPath === undefined) await keepLacks(context.io, client.target.url.href, lacks.keys())
  return lacks.get('pause')
}

/** By how much the clock of the server is ahead, in milliseconds; waits are of the server's time. */
function aheadOf(as_of: string): number {
  const ahead = Date.parse(as_of) - Date.now()
  return Number.isNaN(ahead) ? 0 : ahead
}

const sourceTexts: Record<TopSource['kind'], string> = {
  stream: 'live',
  polls: 'this server has no stream: counts every 2 s, no rates',
  away: 'trying again',
}
