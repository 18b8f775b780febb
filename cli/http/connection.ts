import { setFlagsFromString } from 'node:v8'
import type { Dispatcher } from 'undici'
import HttpClient from 'undici/lib/dispatcher/client.js'
import type { Target } from '../settings/target.ts'

/** A connection to a server, made when it is used. Only the making has a limit of its own: each call has its deadline. */
export function connection({ url }: Target, connectTimeout: number): Dispatcher {
  // undici reads HTTP by WebAssembly. To optimise that takes many times as long as a call, and Node waits for it to end.
  setFlagsFromString('--wasm-tiering-budget=1000000000')
  return new HttpClient(url.origin, { headersTimeout: 0, bodyTimeout: 0, connectTimeout })
}
